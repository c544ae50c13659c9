"""What has to be at a site before a machine can come there while it runs: images, and what it is."""

import copy
from pathlib import Path

from holdfast.hypervisor.checkpoints import forget_checkpoint, list_checkpoints
from holdfast.hypervisor.domain_identity import DiskPlace, Identity, with_identity
from holdfast.hypervisor.domains import Domain, find_by_uuid, find_domain
from holdfast.hypervisor.xml_reading import Element, drop, read_xml, write_xml
from holdfast.machines.restoring import found_or_none
from holdfast.machines.state_files import replace_file
from holdfast.recovery.fencing import is_fenced
from holdfast.recovery.promotion import Place, PromotionPlan
from holdfast.recovery.promotion_errors import (
    PromotionNameTaken,
    PromotionPointChanged,
    PromotionUuidTaken,
)
from holdfast.recovery.promotion_images import FORMAT, make_folder, make_overlays

_BEFORE = "before.xml"
# What is said of a card's network, and none of it is seen by the guest.
_OF_NETWORK = ("source", "virtualport", "filterref", "port", "vlan", "bandwidth", "link")


def arriving(xml: str, plan: PromotionPlan) -> str:
    """The machine as its own host describes it, with the disks and the networks it has here.

    Nothing the guest could see may change: it is the same machine, which goes on.
    """
    identity = Identity(
        nvram=plan.nvram_path or None,
        disks={
            disk.target: DiskPlace(path=disk.path, format=FORMAT) for disk in plan.promoted.disks
        },
        without_host_parts=True,
    )
    return _connected(with_identity(xml, identity), plan.description)


def _connected(xml: str, planned: str) -> str:
    """Each card, known by its address, is connected as the card in `planned` is."""
    domain = read_xml(xml, root="domain", about="VM")
    wanted = {_mac(card): card for card in _cards(read_xml(planned, root="domain", about="VM"))}
    for card in _cards(domain):
        like = wanted.get(_mac(card))
        if like is None:
            continue
        card.set("type", like.get("type", "user"))
        for tag in _OF_NETWORK:
            drop(card, tag)
            for part in like.findall(tag):
                card.append(copy.deepcopy(part))
    return write_xml(domain)


def _cards(domain: Element) -> list[Element]:
    return domain.findall("devices/interface")


def _mac(card: Element) -> str:
    mac = card.find("mac")
    return "" if mac is None else mac.get("address", "").lower()


def furnish(place: Place, plan: PromotionPlan) -> None:
    """The point stays, and an empty image lies upon each disk of it."""
    promoted = plan.promoted
    found = place.site.attach(plan.vm, promoted.generation, who=promoted.pin, until=plan.until)
    if any(found.get(disk.target) != Path(disk.below) for disk in promoted.disks):
        raise PromotionPointChanged(about=promoted.name, generation=promoted.generation)
    before = _require_free(place, plan)
    make_folder(place.site.folder, promoted)
    if before is not None:
        replace_file(
            Path(promoted.folder, _BEFORE), before.xml(inactive=True, secure=True).encode()
        )
        for checkpoint in reversed(list_checkpoints(before)):
            forget_checkpoint(before, checkpoint.name)
    make_overlays(promoted, plan.sizes)
    if plan.nvram is not None:
        replace_file(Path(plan.nvram_path), plan.nvram)


def _require_free(place: Place, plan: PromotionPlan) -> Domain | None:
    """The machine itself may be known here, barred."""
    promoted = plan.promoted
    namesake = found_or_none(find_domain, place.host, promoted.name)
    if namesake is not None and namesake.uuid != promoted.uuid and namesake.name == promoted.name:
        raise PromotionNameTaken(name=promoted.name, other=namesake.uuid)
    before = found_or_none(find_by_uuid, place.host, promoted.uuid)
    if before is not None and (before.is_active() or not is_fenced(before)):
        raise PromotionUuidTaken(about=promoted.name, name=before.name)
    return before
