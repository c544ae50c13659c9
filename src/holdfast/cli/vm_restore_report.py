"""How a finished restore of a virtual machine is told."""

from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.base.filling import filled_to_type
from holdfast.base.texts import _
from holdfast.base.units import format_duration, format_size
from holdfast.cli import json_machines, shown
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from holdfast.app.vm_restore import VmRestoreReport
    from holdfast.machines.disk_files import DiskFile

_SHORT = 8


def tell(out: Output, report: "VmRestoreReport", *, point: str, is_in_place: bool) -> int:
    """Each disk with what was written for it; what is not as it was makes the status 3."""
    for warning in report.warnings:
        out.warning(warning)
    out.done(
        _event(report, point, is_in_place=is_in_place),
        *shown.table([_row(disk) for disk in report.disks]),
        _verdict(report, point[:_SHORT], is_in_place=is_in_place),
    )
    return Exit.WARNINGS if report.warnings else Exit.FINE


def _event(report: "VmRestoreReport", point: str, *, is_in_place: bool) -> json_machines.VmRestored:
    return json_machines.VmRestored(
        point=point,
        vm=encodable(report.name),
        uuid=report.uuid,
        in_place=is_in_place,
        started=report.is_started,
        consistency=report.facts.consistency.value,
        seconds=round(report.seconds, 3),
        bytes_written=report.bytes_written,
        disks=[
            {
                "target": disk.target,
                "path": encodable(str(disk.path)),
                "format": disk.format,
                "size": disk.size,
                "bytes_written": disk.written.written,
                "bytes_zeroed": disk.written.zeroed,
                "bytes_same": disk.written.same,
            }
            for disk in report.disks
        ],
    )


def _row(disk: "DiskFile") -> tuple[str, str]:
    text = _("{written} written of {size} to {path}")
    return disk.target, text.format(
        written=format_size(disk.written.written),
        size=format_size(disk.size),
        path=shown.line(str(disk.path)),
    )


def _verdict(report: "VmRestoreReport", point: str, *, is_in_place: bool) -> str:
    if report.uuid is None:
        sentence = _("Restored the disks of {point} as files in {time}")
    elif is_in_place:
        sentence = _("{vm} is as it was in {point} ({consistency}), in {time}")
    elif report.is_started:
        sentence = _("Restored {point} ({consistency}) as {vm} in {time}; it was started")
    else:
        sentence = _(
            "Restored {point} ({consistency}) as {vm} in {time}; start it with `virsh start {vm}`"
        )
    fields = {
        "point": point,
        "vm": shown.line(report.name),
        "consistency": report.facts.consistency.value,
        "time": format_duration(report.seconds),
    }
    return filled_to_type(sentence, fields)
