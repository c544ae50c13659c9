"""A machine started from a point of its replica, upon images of its own.

Everything of it lies in a folder of its own, `running/ACT` beside the layers. It starts paused, so
that the record of its changes begins before its first instruction. Each step looks at the world
first, so the same call goes on wherever an earlier one was killed.
"""

import contextlib
from pathlib import Path

import msgspec

from holdfast.base.texts import _
from holdfast.hypervisor.checkpoints import (
    create_checkpoint,
    forget_checkpoint,
    list_checkpoints,
)
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain, define_domain, find_by_uuid, find_domain
from holdfast.hypervisor.errors import VmMissing, VmNotRunning
from holdfast.hypervisor.states import State
from holdfast.machines.restoring import found_or_none
from holdfast.machines.state_files import put_tpm, replace_file
from holdfast.recovery.fencing import is_fenced, take_autostart
from holdfast.recovery.promotion import Place, PromotionPlan, PromotionWish
from holdfast.recovery.promotion_errors import (
    PromotionFolderClosed,
    PromotionNameTaken,
    PromotionNotStarted,
    PromotionPointChanged,
    PromotionUuidTaken,
)
from holdfast.recovery.promotion_images import (
    is_untouched,
    make_folder,
    make_overlays,
    remove_promoted_folder,
)
from holdfast.recovery.promotion_planning import plan_promotion
from holdfast.recovery.record import Promoted
from holdfast.replication.replica_errors import ReplicaMissing

# The whole of starting from a point is found here.
__all__ = [
    "Place",
    "PromotionPlan",
    "PromotionWish",
    "domain_of",
    "end",
    "plan_promotion",
    "promote",
]
_BEFORE = "before.xml"


def promote(place: Place, plan: PromotionPlan) -> Promoted:
    """It runs when this returns; every step that was done before is left as it is.

    The checkpoint in what is returned is empty where its changes are not recorded.
    """
    domain = domain_of(place, plan.promoted)
    if domain is None or not domain.is_active():
        _attach(place, plan)
    if domain is None:
        domain = _define(place, plan)
    take_autostart(domain)
    _start(place, plan, domain)
    record = plan.promoted.checkpoint if _has_record(domain, plan) else ""
    return msgspec.structs.replace(plan.promoted, checkpoint=record, started_at=place.clock.now())


def domain_of(place: Place, promoted: Promoted) -> Domain | None:
    """The machine, if this host has it and its disks are those of the promotion."""
    domain = found_or_none(find_by_uuid, place.host, promoted.uuid)
    if domain is None:
        return None
    sources = [disk.source for disk in domain.spec(inactive=domain.is_persistent()).hard_disks]
    lies_there = any(source and Path(source).parent == Path(promoted.folder) for source in sources)
    return domain if lies_there else None


def end(place: Place, vm: str, promoted: Promoted) -> None:
    """Pull its plug and remove all of it, pin included; what was there before is defined again."""
    domain = domain_of(place, promoted)
    if domain is not None:
        with contextlib.suppress(VmNotRunning):
            if domain.is_active():
                domain.destroy()
        _undefine(domain, promoted)
        place.on_step("undefined")
    _bring_back(place, promoted)
    remove_promoted_folder(promoted)
    place.on_step("removed")
    with contextlib.suppress(ReplicaMissing):
        place.site.unpin(vm, promoted.generation, who=promoted.pin)


def _attach(place: Place, plan: PromotionPlan) -> None:
    """The point stays, and no layer of it is merged, whatever comes in meanwhile."""
    promoted = plan.promoted
    found = place.site.attach(plan.vm, promoted.generation, who=promoted.pin, until=plan.until)
    if any(found.get(disk.target) != Path(disk.below) for disk in promoted.disks):
        raise PromotionPointChanged(about=promoted.name, generation=promoted.generation)
    place.on_step("attached")


def _define(place: Place, plan: PromotionPlan) -> Domain:
    """Its images first; nothing was ever written to them while it was not defined."""
    _make_room(place, plan)
    before = found_or_none(find_by_uuid, place.host, plan.promoted.uuid)
    if before is not None and (before.is_active() or not is_fenced(before)):
        raise PromotionUuidTaken(about=plan.promoted.name, name=before.name)
    _make_folder(place, plan)
    if before is not None:
        _keep(before, plan)
    _furnish(place, plan)
    place.on_step("furnished")
    domain = define_domain(place.host, plan.description)
    place.on_step("described")
    return domain


def _make_room(place: Place, plan: PromotionPlan) -> None:
    """A machine of the same name gives it away, if a person has said so."""
    name = plan.promoted.name
    there = found_or_none(find_domain, place.host, name)
    if there is None or there.name != name or there.uuid == plan.promoted.uuid:
        return
    if plan.replaces != name or there.is_active():
        raise PromotionNameTaken(name=name, other=there.uuid)
    with there.handle() as handle:
        handle.rename(f"{name}-{there.uuid[:8]}", 0)


def _make_folder(place: Place, plan: PromotionPlan) -> None:
    promoted = plan.promoted
    try:
        make_folder(place.site.folder, promoted)
    except OSError as err:
        raise PromotionFolderClosed(
            about=promoted.name, path=promoted.folder, reason=err.strerror
        ) from err


def _keep(before: Domain, plan: PromotionPlan) -> None:
    """To be defined again when the promotion is ended."""
    xml = before.xml(inactive=True, secure=True)
    replace_file(Path(plan.promoted.folder, _BEFORE), xml.encode())
    _forget_records(before)
    # Of before it went away: its disks have gone on without it.
    before.forget_memory()
    if before.name != plan.promoted.name:
        # A definition cannot give a machine another name.
        before.undefine(keep_nvram=True)


def _furnish(place: Place, plan: PromotionPlan) -> None:
    promoted = plan.promoted
    make_overlays(promoted, plan.sizes)
    if plan.nvram is not None:
        replace_file(Path(plan.nvram_path), plan.nvram)
    if plan.tpm is not None:
        put_tpm(plan.tpm, place.tpm_folder / promoted.uuid, point=promoted.generation)


def _start(place: Place, plan: PromotionPlan, domain: Domain) -> None:
    if not domain.is_active():
        if is_untouched(plan.promoted.disks):
            # A QEMU that was killed may have left the record of its changes half written.
            _forget_records(domain)
            make_overlays(plan.promoted, plan.sizes)
        domain.start(paused=True)
        place.on_step("started")
    standing = domain.standing()
    if not standing.is_active:
        raise PromotionNotStarted(about=domain.name, reason=standing.reason or _("it ended"))
    if standing.state is not State.PAUSED:
        return
    _begin_record(domain, plan)
    place.on_step("recorded")
    domain.resume()
    place.on_step("resumed")


def _begin_record(domain: Domain, plan: PromotionPlan) -> None:
    """Only before it has written anything: one that began later would not tell the truth."""
    promoted = plan.promoted
    if not promoted.checkpoint or _has_record(domain, plan) or not is_untouched(promoted.disks):
        return
    targets = tuple(disk.target for disk in promoted.disks)
    create_checkpoint(domain, promoted.checkpoint, disks=targets)


def _has_record(domain: Domain, plan: PromotionPlan) -> bool:
    return plan.promoted.checkpoint in {each.name for each in list_checkpoints(domain)}


def _forget_records(domain: Domain) -> None:
    """Those of images it does not have any more; the newest first."""
    for checkpoint in reversed(list_checkpoints(domain)):
        forget_checkpoint(domain, checkpoint.name)


def _undefine(domain: Domain, promoted: Promoted) -> None:
    """Its variables lie in the folder that goes, or are those of its home."""
    before = _before(promoted)
    with contextlib.suppress(VmMissing):
        if before is None or before[0] != domain.name:
            domain.undefine(keep_nvram=True, with_checkpoints=True)
        else:
            _forget_records(domain)


def _bring_back(place: Place, promoted: Promoted) -> None:
    before = _before(promoted)
    there = found_or_none(find_by_uuid, place.host, promoted.uuid)
    is_free = there is None or domain_of(place, promoted) is not None
    if before is not None and is_free:
        define_domain(place.host, before[1])


def _before(promoted: Promoted) -> tuple[str, str] | None:
    """The name and the definition of what made way."""
    try:
        xml = Path(promoted.folder, _BEFORE).read_text()
    except FileNotFoundError:
        return None
    return read_domain(xml).name, xml
