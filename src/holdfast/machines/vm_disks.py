"""Which disks of a machine a point has, and how each of them is read."""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.disks.nbd_address import UnixAddress
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.machines.audit_plan import AuditWish, begun, blocks_due, mark_after
from holdfast.machines.auditing import audit
from holdfast.machines.backup_errors import VmWithoutDisks
from holdfast.machines.blocks import BlockIds, block_count
from holdfast.machines.drift import spans_of
from holdfast.machines.nbd_source import NbdSource
from holdfast.machines.parents import Parent
from holdfast.machines.points import AuditMark, DiskFacts, Rung
from holdfast.machines.tracking import Track, Why

# A disk nobody can write to is no loss to be told of each time.
NOT_MISSED = "readonly"
_READABLE = ("file", "block", "network", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A disk ready to be stored, and what was decided about it in the end."""

    source: NbdSource
    track: Track
    # Where the next audit goes on, and what this one has read.
    mark: AuditMark
    audited: int = 0


def chosen_disks(spec: DomainSpec) -> tuple[tuple[DiskSpec, ...], dict[str, str]]:
    """Those to be backed up, and why not the others that have data."""
    chosen, left_out = [], {}
    for disk in spec.disks:
        reason = _reason_against(disk)
        if reason:
            left_out[disk.target] = reason
        elif disk.is_data:
            chosen.append(disk)
    return tuple(chosen), left_out


def required_disks(spec: DomainSpec) -> tuple[tuple[DiskSpec, ...], dict[str, str]]:
    """The same; that there are none is an error."""
    disks, left_out = chosen_disks(spec)
    if not disks:
        reasons = ", ".join(f"{disk}: {why}" for disk, why in left_out.items()) or "-"
        raise VmWithoutDisks(about=spec.name, reasons=reasons)
    return disks, left_out


def _reason_against(disk: DiskSpec) -> str:
    if disk.device not in ("disk", "lun") or disk.kind is None:
        # Drives of other media are not missed.
        return ""
    reasons = {
        NOT_MISSED: disk.is_readonly,
        # A guest's own SCSI commands write past any record of changes.
        "lun": disk.device == "lun",
        # Others write to it too, past any record of changes and any freeze.
        "shared": disk.is_shareable,
        "transient": disk.is_transient,
        disk.kind: disk.kind not in _READABLE,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def open_disk(
    address: UnixAddress,
    export: str,
    track: Track,
    *,
    context: str | None,
    parent: Parent | None,
    wish: AuditWish,
) -> Opened:
    """Connect to it, and look whether its record of changes can be true."""
    before = parent.disk(track.target) if parent else None
    source = NbdSource(
        address,
        export,
        context=context,
        before=before.size if before else 0,
        layers=track.layers,
    )
    if before is not None:
        source.also_changed(spans_of(before.drift, source.size))
    try:
        return _audited(source, track, parent, wish)
    except BaseException:
        source.close()
        raise


def _audited(source: NbdSource, track: Track, parent: Parent | None, wish: AuditWish) -> Opened:
    if track.since is None or parent is None:
        return Opened(source=source, track=track, mark=begun(wish))
    blocks = parent.blocks(track.target)
    if blocks is None:
        return _distrusted(source, track, Why.PARENT_DAMAGED, wish)
    if source.size < blocks.size:
        return _distrusted(source, track, Why.SHRUNK, wish)
    return _looked_at(source, track, blocks, parent.disk(track.target), wish=wish)


def _looked_at(
    source: NbdSource, track: Track, blocks: BlockIds, before: DiskFacts | None, *, wish: AuditWish
) -> Opened:
    mark, count = before.audit if before else None, block_count(source.size)
    due = blocks_due(mark, count, wish)
    done = audit(source, blocks, due=due)
    if done.lie is not None:
        return _distrusted(source, track, Why.MAP_WRONG, wish)
    after = mark_after(mark, due, count, wish)
    return Opened(source=source, track=track, mark=after, audited=done.read)


def _distrusted(source: NbdSource, track: Track, why: Why, wish: AuditWish) -> Opened:
    """All of it is read now, so a new pass begins."""
    source.distrust()
    track = Track(target=track.target, rung=Rung.HASH, why=why)
    return Opened(source=source, track=track, mark=begun(wish))


def disk_facts(disk: DiskSpec, opened: Opened, *, checkpoints: Mapping[str, str]) -> DiskFacts:
    """`checkpoints` by target: what the next increment is relative to."""
    checkpoint = checkpoints.get(disk.target, "")
    return DiskFacts(
        target=disk.target,
        size=opened.source.size,
        format=disk.format or "raw",
        bus=disk.bus,
        serial=disk.serial or "",
        source=disk.source or "",
        mode=opened.track.mode,
        rung=opened.track.rung,
        why=opened.track.why.value,
        checkpoint=checkpoint,
        generation=checkpoint,
        audit=opened.mark,
    )
