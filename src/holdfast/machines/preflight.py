"""Whether a virtual machine can be protected, disk by disk, and why not; decides, looks at nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from holdfast.disks.image_facts import Image
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.hypervisor.states import Standing, State
from holdfast.machines.overlay_fitness import why_not

# libvirt refuses a chain of 200 images, and each snapshot makes it longer by one.
_TOO_DEEP: Final = 199
_KINDS: Final = frozenset(("file", "block", "volume", "network"))
_DRIVES: Final = frozenset(("cdrom", "floppy"))
_FREEZE: Final = frozenset(("guest-fsfreeze-freeze", "guest-fsfreeze-thaw"))
_EXEC: Final = frozenset(("guest-exec", "guest-exec-status"))
_FILES: Final = frozenset(("guest-file-open", "guest-file-write", "guest-file-close"))
# What the agent must be allowed for application-consistent points.
NEEDED_COMMANDS: Final = _FREEZE | _EXEC | _FILES


class Weight(StrEnum):
    """What a remark means for the backup."""

    # Good to know.
    NOTE = "note"
    # It is backed up, but something is less than it could be.
    LESS = "less"
    # This is not backed up.
    NOT = "not"


class Taken(StrEnum):
    """What becomes of a disk."""

    # What changed is recorded by QEMU.
    TRACKED = "tracked"
    # Read in full each time; only what differs is stored.
    COMPARED = "compared"
    # Nothing of it can be lost: media, or what nobody may write.
    SKIPPED = "skipped"
    REFUSED = "refused"


class Extent(StrEnum):
    """How much of a machine can be protected."""

    WHOLE = "whole"
    PARTLY = "partly"
    NOT = "not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    # None: a disk may be as large as it likes.
    largest_disk: int | None = None
    deepest_chain: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSeen:
    """What was found of one disk; None is what nobody could look at."""

    size: int | None = None
    image: Image | None = None
    # Why the image could not be looked at.
    unseen: str = ""
    is_missing: bool = False
    # Whether we could write where it lies, as a restore in place and a failback will.
    may_write: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSeen:
    answers: bool = False
    # The error's code where it does not.
    error: str = ""
    version: str = ""
    commands: frozenset[str] = frozenset()
    is_frozen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSeen:
    """A machine as it was found."""

    spec: DomainSpec
    standing: Standing
    is_persistent: bool = True
    # Whether its hypervisor has backup jobs at all; None: not asked.
    has_backup: bool | None = None
    disks: dict[str, DiskSeen] = field(default_factory=dict)
    # None: it does not run, so there is nobody to ask.
    agent: AgentSeen | None = None
    # Checkpoints that are not ours.
    foreign_checkpoints: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing that was found: a code, how much it weighs, and what its sentence needs."""

    code: str
    weight: Weight
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSheet:
    target: str
    taken: Taken
    size: int | None = None
    format: str = ""
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything that speaks for or against protecting one machine."""

    name: str
    uuid: str
    extent: Extent
    # The best class its points can have now: application, filesystem or crash.
    consistency: str
    disks: tuple[DiskSheet, ...]
    remarks: tuple[Remark, ...]

    def all_remarks(self) -> Iterator[tuple[str, Remark]]:
        """With the disk each is about, "" for the machine itself."""
        for remark in self.remarks:
            yield "", remark
        for disk in self.disks:
            for remark in disk.remarks:
                yield disk.target, remark


def plan_sheet(seen: MachineSeen, limits: Limits | None = None) -> Sheet:
    bounds = limits or Limits()
    disks = tuple(_judged(disk, seen, bounds) for disk in seen.spec.disks)
    remarks = tuple(_about_machine(seen, disks))
    return Sheet(
        name=seen.spec.name,
        uuid=seen.spec.uuid,
        extent=_extent(disks, remarks),
        consistency=_best_class(seen),
        disks=disks,
        remarks=remarks,
    )


def _extent(disks: tuple[DiskSheet, ...], remarks: tuple[Remark, ...]) -> Extent:
    if any(remark.weight is Weight.NOT for remark in remarks):
        return Extent.NOT
    return Extent.PARTLY if any(one.taken is Taken.REFUSED for one in disks) else Extent.WHOLE


def _best_class(seen: MachineSeen) -> str:
    agent = seen.agent
    if agent is None:
        # A guest that was shut down in order has written everything out.
        is_clean = seen.standing.state is State.OFF and seen.standing.reason == "shutdown"
        return "filesystem" if is_clean else "crash"
    if not agent.answers or not agent.commands >= _FREEZE:
        return "crash"
    return "application" if agent.commands >= _EXEC | _FILES else "filesystem"


def _judged(disk: DiskSpec, seen: MachineSeen, limits: Limits) -> DiskSheet:
    found = seen.disks.get(disk.target, DiskSeen())
    skipped = _why_skipped(disk)
    remarks = (skipped,) if skipped else tuple(_about_disk(disk, found, limits))
    return DiskSheet(
        target=disk.target,
        taken=_taken(disk, found, remarks, is_skipped=skipped is not None),
        size=found.size,
        format=disk.format or "",
        remarks=remarks,
    )


def _why_skipped(disk: DiskSpec) -> Remark | None:
    if disk.device in _DRIVES:
        return Remark(code="removable", weight=Weight.NOTE, values={"device": disk.device})
    if disk.kind is None:
        return Remark(code="empty-drive", weight=Weight.NOTE)
    if disk.is_readonly:
        return Remark(code="read-only", weight=Weight.NOTE)
    if disk.is_transient:
        return Remark(code="transient-disk", weight=Weight.LESS)
    return None


def _taken(
    disk: DiskSpec, found: DiskSeen, remarks: tuple[Remark, ...], *, is_skipped: bool
) -> Taken:
    if is_skipped:
        return Taken.SKIPPED
    if any(remark.weight is Weight.NOT for remark in remarks):
        return Taken.REFUSED
    can_track = disk.format == "qcow2" and (found.image is None or found.image.can_keep_bitmaps)
    return Taken.TRACKED if can_track else Taken.COMPARED


def _about_disk(disk: DiskSpec, found: DiskSeen, limits: Limits) -> Iterator[Remark]:
    yield from _against(disk, found, limits)
    yield from _about_place(disk, found)
    yield from _about_chain(disk, found, limits)
    if disk.format != "qcow2":
        values: dict[str, object] = {"format": disk.format or "-"}
        yield Remark(code="no-tracking", weight=Weight.LESS, values=values)
    elif found.image is not None and not found.image.can_keep_bitmaps:
        values = {"path": disk.source or "-"}
        yield Remark(code="qcow2-v2", weight=Weight.LESS, values=values)
    else:
        return
    yield _about_overlay(disk, found)


def _about_overlay(disk: DiskSpec, found: DiskSeen) -> Remark:
    """Of a disk whose changes no bitmap can record."""
    reason = _no_overlay(disk, found)
    if reason:
        return Remark(code="no-overlay", weight=Weight.NOTE, values={"reason": reason})
    return Remark(code="overlay-possible", weight=Weight.NOTE)


def _no_overlay(disk: DiskSpec, found: DiskSeen) -> str:
    return why_not(disk, len(found.image.snapshots) if found.image else 0)


def overlay_obstacles(seen: MachineSeen) -> dict[str, str]:
    """The disks that can have no overlay, each with a word for why."""
    found = {
        disk.target: _no_overlay(disk, seen.disks.get(disk.target, DiskSeen()))
        for disk in seen.spec.data_disks
    }
    return {target: reason for target, reason in found.items() if reason}


def _against(disk: DiskSpec, found: DiskSeen, limits: Limits) -> Iterator[Remark]:
    """What makes a disk impossible to take."""
    if disk.device == "lun":
        yield Remark(code="passthrough-disk", weight=Weight.NOT)
    elif disk.kind not in _KINDS:
        yield Remark(code="unknown-source", weight=Weight.NOT, values={"kind": disk.kind or "-"})
    if disk.is_shareable:
        yield Remark(code="shared-disk", weight=Weight.NOT)
    if found.is_missing:
        yield Remark(code="image-missing", weight=Weight.NOT, values={"path": disk.source or "-"})
    if found.image is not None and found.image.is_corrupt:
        yield Remark(code="image-corrupt", weight=Weight.NOT, values={"path": disk.source or "-"})
    largest = limits.largest_disk
    if largest is not None and found.size is not None and found.size > largest:
        values: dict[str, object] = {"size": found.size, "limit": largest}
        yield Remark(code="disk-too-large", weight=Weight.NOT, values=values)


def _about_place(disk: DiskSpec, found: DiskSeen) -> Iterator[Remark]:
    if disk.kind == "network":
        values: dict[str, object] = {"protocol": disk.protocol or "-"}
        yield Remark(code="network-disk", weight=Weight.LESS, values=values)
    elif found.unseen and not found.is_missing:
        yield Remark(code="image-unseen", weight=Weight.NOTE, values={"reason": found.unseen})
    if found.may_write is False:
        values = {"path": disk.source or "-"}
        yield Remark(code="place-not-writable", weight=Weight.LESS, values=values)
    if disk.is_mirrored:
        yield Remark(code="copy-under-way", weight=Weight.LESS)
    if disk.is_encrypted or (found.image is not None and found.image.is_encrypted):
        yield Remark(code="encrypted-disk", weight=Weight.NOTE)


def _about_chain(disk: DiskSpec, found: DiskSeen, limits: Limits) -> Iterator[Remark]:
    image = found.image
    # What libvirt knows of a running machine, or what the image itself names.
    depth = max(disk.backing_depth + 1, (image.depth or 0) if image else 0)
    values: dict[str, object] = {"depth": depth, "most": limits.deepest_chain}
    if depth >= _TOO_DEEP:
        yield Remark(code="chain-full", weight=Weight.NOT, values=values)
    elif depth > limits.deepest_chain:
        yield Remark(code="chain-deep", weight=Weight.LESS, values=values)
    if image is not None and image.snapshots:
        values = {"count": len(image.snapshots), "first": image.snapshots[0]}
        yield Remark(code="internal-snapshots", weight=Weight.LESS, values=values)


def _about_machine(seen: MachineSeen, disks: tuple[DiskSheet, ...]) -> Iterator[Remark]:
    if not any(disk.taken in (Taken.TRACKED, Taken.COMPARED) for disk in disks):
        yield Remark(code="nothing-to-take", weight=Weight.NOT)
    if seen.has_backup is False:
        yield Remark(code="no-backup-jobs", weight=Weight.NOT)
    if not seen.is_persistent:
        yield Remark(code="transient-machine", weight=Weight.LESS)
    yield from _about_state(seen.standing)
    yield from _about_devices(seen.spec)
    yield from _about_agent(seen)
    if seen.foreign_checkpoints:
        values: dict[str, object] = {"count": seen.foreign_checkpoints}
        yield Remark(code="foreign-checkpoints", weight=Weight.NOTE, values=values)


def _about_state(standing: Standing) -> Iterator[Remark]:
    if standing.is_stuck_on_io:
        yield Remark(code="stuck-on-io", weight=Weight.LESS)
    elif standing.state is State.CRASHED:
        yield Remark(code="crashed", weight=Weight.LESS)
    elif standing.state is State.OFF and standing.reason == "saved":
        yield Remark(code="saved-state", weight=Weight.LESS)


def _about_devices(spec: DomainSpec) -> Iterator[Remark]:
    if spec.host_devices:
        values: dict[str, object] = {"devices": ", ".join(spec.host_devices)}
        yield Remark(code="host-device", weight=Weight.LESS, values=values)
    if spec.shared_folders:
        values = {"folders": ", ".join(spec.shared_folders)}
        yield Remark(code="shared-folder", weight=Weight.LESS, values=values)
    if spec.tpm is not None and spec.tpm.backend == "passthrough":
        yield Remark(code="tpm-passthrough", weight=Weight.LESS)


def _about_agent(seen: MachineSeen) -> Iterator[Remark]:
    if not seen.spec.has_agent_channel:
        yield Remark(code="no-channel", weight=Weight.LESS)
        return
    agent = seen.agent
    if agent is None:
        return
    if not agent.answers:
        code = "agent-absent" if seen.spec.is_agent_connected is False else "agent-silent"
        yield Remark(code=code, weight=Weight.LESS)
        return
    if agent.is_frozen:
        yield Remark(code="frozen", weight=Weight.LESS)
        # A frozen guest's agent offers little, and nothing can be read from that.
        return
    lacking = sorted(NEEDED_COMMANDS - agent.commands)
    if lacking:
        values: dict[str, object] = {"version": agent.version, "commands": ", ".join(lacking)}
        yield Remark(code="agent-unable", weight=Weight.LESS, values=values)
