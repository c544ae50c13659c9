"""How a finished backup of a virtual machine is told."""

from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.base.texts import _
from holdfast.base.units import format_duration, format_size
from holdfast.cli import json_events, shown
from holdfast.cli.output import Output, encodable
from holdfast.machines.tracking import reason_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.machines.points import DiskFacts
    from holdfast.machines.vm_job import VmReport


def tell(out: Output, report: "VmReport") -> int:
    """What was made, and what it cost; disks that are not in the point make the status 3."""
    for warning in report.warnings:
        out.warning(warning)
    missing = _missing(report.facts.left_out)
    for disk, reason in missing.items():
        out.warning(_("{disk} is not in the point: {reason}").format(disk=disk, reason=reason))
    out.done(event_of(report), *lines_of(report))
    return Exit.WARNINGS if missing else Exit.FINE


def _missing(left_out: "Mapping[str, str]") -> dict[str, str]:
    """A disk nobody can write to is no loss to be told of each time."""
    return {disk: reason for disk, reason in left_out.items() if reason != "readonly"}


def event_of(report: "VmReport") -> json_events.VmBackupDone:
    facts, summary = report.facts, report.point.summary
    return json_events.VmBackupDone(
        point=report.point.snapshot,
        parent=facts.parent or None,
        vm=encodable(facts.name),
        uuid=facts.uuid,
        seconds=round(report.seconds, 3),
        consistency=facts.consistency.value,
        downgrades=[{"code": each.code, "reason": each.reason} for each in facts.downgrades],
        freeze_ms=round(report.freeze_ms, 1),
        disks=[
            {
                "target": disk.target,
                "size": disk.size,
                "rung": disk.rung.value,
                "why": disk.why,
                "bytes_read": done.bytes_read,
                "bytes_changed": done.changed,
            }
            for disk, done in zip(facts.disks, report.disks, strict=True)
        ],
        left_out=dict(facts.left_out),
        bytes_read=report.bytes_read,
        bytes_added=summary.data_added,
        bytes_stored=summary.data_added_packed,
    )


def lines_of(report: "VmReport") -> list[str]:
    facts, summary = report.facts, report.point.summary
    size = sum(disk.size for disk in report.disks)
    rows = [(_("Disk {disk}").format(disk=d.target), _disk(report, d)) for d in facts.disks]
    rows.append((_("Consistency"), _consistency(report)))
    rows.append(
        (
            _("Covered"),
            _("{size} in {time}").format(
                size=format_size(size), time=format_duration(report.seconds)
            ),
        )
    )
    rows.append(
        (
            _("Added"),
            _("{size}, {stored} as stored").format(
                size=format_size(summary.data_added), stored=format_size(summary.data_added_packed)
            ),
        )
    )
    verdict = _("Made recovery point {point} of {vm}").format(
        point=report.point.snapshot[:8], vm=facts.name
    )
    return [*shown.table(rows), verdict]


def _disk(report: "VmReport", disk: "DiskFacts") -> str:
    done = next(each for each in report.disks if each.target == disk.target)
    if done.changed is not None:
        return _("{read} read of {size}, {changed} changed").format(
            read=format_size(done.bytes_read),
            size=format_size(done.size),
            changed=format_size(done.changed),
        )
    return _("{read} read of {size}, all of it: {why}").format(
        read=format_size(done.bytes_read),
        size=format_size(done.size),
        why=reason_text(disk.why),
    )


def _consistency(report: "VmReport") -> str:
    facts = report.facts
    reasons = "; ".join(each.reason for each in facts.downgrades)
    frozen = _(", frozen for {ms} ms").format(ms=round(report.freeze_ms))
    name = facts.consistency.value + (frozen if report.freeze_ms else "")
    return f"{name} ({reasons})" if reasons else name
