"""What would keep a machine from being started here, all of it, before anything is changed."""

import os
from collections.abc import Iterator
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.disks import images
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.xml_reading import read_xml
from holdfast.recovery.newcomer import Newcomer
from holdfast.recovery.newcomer_preflight import account_problems, part_problems, place_problems
from holdfast.recovery.promoting import domain_of
from holdfast.recovery.promotion import Place, PromotionPlan
from holdfast.recovery.promotion_errors import PromotionFolderClosed
from holdfast.recovery.store_preflight import store_problems

_OTHERS_GO_THROUGH = 0o001


def problems_of(place: Place, plan: PromotionPlan) -> tuple[HoldfastError, ...]:
    """Empty: it can be started, as far as can be seen. One that is defined already is no problem."""
    if domain_of(place, plan.promoted) is not None:
        return ()
    denied = tuple(account_problems(place.host))
    return denied or tuple(_problems(place, plan))


def require_promotable(place: Place, plan: PromotionPlan) -> None:
    """Raises the first of what `problems_of` finds; the gravest come first."""
    for problem in problems_of(place, plan):
        raise problem


def _problems(place: Place, plan: PromotionPlan) -> Iterator[HoldfastError]:
    new = _newcomer(plan)
    yield from place_problems(place.host, new)
    yield from _folder_problems(place, plan)
    yield from part_problems(place.host, new)


def _newcomer(plan: PromotionPlan) -> Newcomer:
    return Newcomer(
        name=plan.promoted.name,
        uuid=plan.promoted.uuid,
        description=plan.description,
        lines=plan.lines,
        replaces=plan.replaces,
        disks=frozenset(disk.path for disk in plan.promoted.disks),
    )


def _folder_problems(place: Place, plan: PromotionPlan) -> Iterator[HoldfastError]:
    folder, name = place.site.folder, plan.promoted.name
    closed = [above for above in folder.parents if not _is_open(above)]
    user = _qemu_user(place.host, plan) if closed else 0
    for above in closed:
        if user and above.stat().st_uid != user:
            reason = _("QEMU, as the user it runs as here, cannot go through it")
            yield PromotionFolderClosed(about=name, path=above, reason=reason)
    yield from store_problems(folder, about=name)
    if not os.access(folder, os.W_OK):
        return
    for disk in plan.promoted.disks:
        try:
            images.links(Path(disk.below), format_="qcow2", is_live=True)
        except HoldfastError as err:
            yield PromotionFolderClosed(about=name, path=disk.below, reason=str(err))


def _qemu_user(host: Host, plan: PromotionPlan) -> int:
    """Its number; root where libvirt does not say."""
    kind = read_domain(plan.description).kind
    with host.asking() as connection:
        root = read_xml(connection.getCapabilities(), root="capabilities", about=host.uri)
    for model in root.iterfind("host/secmodel"):
        if model.findtext("model") == "dac":
            for label in model.iterfind("baselabel"):
                if label.get("type") == kind:
                    return int((label.text or "0").partition(":")[0].lstrip("+") or 0)
    return 0


def _is_open(folder: Path) -> bool:
    """To whoever; one that is not there is found to be so in another way."""
    return not folder.exists() or bool(folder.stat().st_mode & _OTHERS_GO_THROUGH)
