"""Checkpoints of a machine: each has a bitmap in every disk it covers."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from holdfast.hypervisor.binding import load
from holdfast.hypervisor.checkpoint_xml import (
    Checkpoint,
    checkpoint_xml,
    for_redefinition,
    read_checkpoint,
)
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import CheckpointMissing, TrackingLost


class Removal(Enum):
    """What became of a checkpoint."""

    REMOVED = "removed"
    # libvirt knows it no more; its bitmap was lost or cannot be reached.
    FORGOTTEN = "forgotten"
    ABSENT = "absent"


def create_checkpoint(domain: Domain, name: str, *, disks: tuple[str, ...]) -> None:
    """Record changes of these disks from this instant on."""
    xml = checkpoint_xml(name, disks=disks, others=other_disks(domain, disks))
    with domain.handle() as handle:
        handle.checkpointCreateXML(xml, 0)


def list_checkpoints(domain: Domain) -> list[Checkpoint]:
    """Oldest first."""
    flags = load().VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL
    with domain.handle() as handle:
        found = handle.listAllCheckpoints(flags)
        return [read_checkpoint(checkpoint.getXMLDesc(_without_domain())) for checkpoint in found]


def stored_form(domain: Domain, name: str) -> str:
    """The description to keep, so that the checkpoint can be made known again elsewhere."""
    with _found(domain, name) as checkpoint:
        return str(checkpoint.getXMLDesc(_without_domain()))


def changed_bytes(domain: Domain, name: str) -> dict[str, int]:
    """What changed since the checkpoint, by disk: exact, cheap; needs a running machine.

    Raises TrackingLost where a bitmap is gone or was not closed properly, so it also answers
    whether an incremental backup is possible.
    """
    flags = _without_domain() | load().VIR_DOMAIN_CHECKPOINT_XML_SIZE
    with _found(domain, name) as checkpoint:
        read = read_checkpoint(checkpoint.getXMLDesc(flags))
    if unknown := set(read.disks) - set(read.sizes):
        raise TrackingLost(about=domain.name, reason=", ".join(sorted(unknown)))
    return dict(read.sizes)


def tracked_disks(domain: Domain, name: str) -> frozenset[str]:
    """The disks whose changes since the checkpoint are known: those whose bitmap is sound.

    libvirt gives no sizes at all where one bitmap is broken, so one broken is all broken.
    """
    flags = _without_domain() | load().VIR_DOMAIN_CHECKPOINT_XML_SIZE
    with _found(domain, name) as checkpoint:
        return frozenset(read_checkpoint(checkpoint.getXMLDesc(flags)).sizes)


def delete_checkpoint(domain: Domain, name: str) -> Removal:
    """Remove it with its bitmaps, or at least its entry where a bitmap was lost in a crash."""
    try:
        with _found(domain, name) as checkpoint:
            checkpoint.delete(0)
    except CheckpointMissing:
        return Removal.ABSENT
    except TrackingLost:
        return forget_checkpoint(domain, name)
    return Removal.REMOVED


def forget_checkpoint(domain: Domain, name: str) -> Removal:
    """Remove the entry only: works on a machine that is off, and leaves the bitmap behind."""
    try:
        with _found(domain, name) as checkpoint:
            checkpoint.delete(load().VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
    except CheckpointMissing:
        return Removal.ABSENT
    return Removal.FORGOTTEN


def redefine_checkpoint(domain: Domain, stored: str) -> None:
    """Make a checkpoint known whose bitmaps are in the images already.

    A running machine is asked whether they are, and TrackingLost is raised if not. One that is
    off takes anything on trust, so redefine after a start, paused if need be.
    """
    libvirt = load()
    flags = libvirt.VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE
    with domain.handle() as handle:
        if handle.isActive():
            flags |= libvirt.VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE
        handle.checkpointCreateXML(for_redefinition(stored, domain=handle.XMLDesc(0)), flags)


def other_disks(domain: Domain, named: tuple[str, ...]) -> tuple[str, ...]:
    """The machine's disks that are not among these, drives of other media included."""
    return tuple(disk.target for disk in domain.spec().disks if disk.target not in named)


@contextmanager
def _found(domain: Domain, name: str) -> Iterator[Any]:
    with domain.handle() as handle:
        yield handle.checkpointLookupByName(name, 0)


def _without_domain() -> int:
    return int(load().VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN)
