"""End the protection of a virtual machine: what was put into it goes, its points stay."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from holdfast.app import vm_records
from holdfast.app.vm_errors import VmNotProtected
from holdfast.app.vm_overlays import take_overlays_back
from holdfast.app.vm_protect import Works
from holdfast.app.vm_records import Protection
from holdfast.app.vms import find_protection, opened_host
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.checkpoint_xml import is_ours
from holdfast.hypervisor.checkpoints import delete_checkpoint, list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_domain
from holdfast.hypervisor.errors import VmMissing
from holdfast.machines.checkpoint_notes import CheckpointNotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprotected:
    protection: Protection
    checkpoints_removed: int
    # Disks that were brought back into their own images.
    overlays_merged: int = 0
    # What could not be taken out of the machine; it does no harm there.
    left: tuple[HoldfastError, ...] = ()


def unprotect(session: Session, name: str, works: Works | None) -> Unprotected:
    """A machine that is gone, or a guest that is silent, is no hindrance; a silent host is."""
    protection = find_protection(session, name)
    if protection is None:
        raise VmNotProtected(about=name)
    left: list[HoldfastError] = []
    with opened_host(session) as host:
        merged = _without_overlays(session, host, protection)
        keep = CheckpointNotes(session.settings.home, protection.uuid, session.clock).of_replicas()
        removed = _without_checkpoints(host, protection, left, keep=keep)
    if works is not None and _has_extension(protection):
        try:
            works.remove_extension()
        except HoldfastError as err:
            left.append(err)
    vm_records.remove(session.settings.home, protection.uuid)
    return Unprotected(
        protection=protection,
        checkpoints_removed=removed,
        overlays_merged=merged,
        left=tuple(left),
    )


def _has_extension(protection: Protection) -> bool:
    step = protection.step("extension")
    return step is not None and step.state == "done"


def _without_overlays(session: Session, host: Host, protection: Protection) -> int:
    """They would grow for ever, so that they cannot be merged is an error."""
    try:
        return take_overlays_back(session, find_domain(host, protection.uuid))
    except VmMissing:
        return 0


def _without_checkpoints(
    host: Host, protection: Protection, left: list[HoldfastError], *, keep: AbstractSet[str]
) -> int:
    """Their bitmaps cost the guest a little with each write; a replication needs its own."""
    removed = 0
    try:
        domain = find_domain(host, protection.uuid)
        for checkpoint in list_checkpoints(domain):
            if is_ours(checkpoint.name) and checkpoint.name not in keep:
                delete_checkpoint(domain, checkpoint.name)
                removed += 1
    except VmMissing:
        return removed
    except HoldfastError as err:
        left.append(err)
    return removed
