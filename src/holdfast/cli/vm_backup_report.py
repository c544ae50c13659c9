"""How a finished backup of a virtual machine is told."""

import contextlib
from typing import TYPE_CHECKING

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import _, ngettext
from holdfast.base.units import format_duration, format_size
from holdfast.cli import json_machines, shown
from holdfast.cli.json_reports import error_event
from holdfast.cli.output import JsonOutput, Output, encodable
from holdfast.machines.downgrades import reasons_text
from holdfast.machines.tracking import reason_text
from holdfast.machines.vm_disks import NOT_MISSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from holdfast.app.vm_backups import VmOutcome
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


@contextlib.contextmanager
def teller(out: Output) -> "Iterator[Callable[[VmOutcome], None]]":
    """Tells of each machine when it has ended; people see it when the bar is gone."""
    if isinstance(out, JsonOutput):
        yield lambda outcome: _tell_json(out, outcome)
        return
    ended: list[VmOutcome] = []
    try:
        yield ended.append
    finally:
        # Whoever has interrupted it wants to know what is done.
        for outcome in ended:
            _tell_text(out, outcome)


def tell_several(out: Output, outcomes: "Sequence[VmOutcome]", *, seconds: float) -> int:
    """The summary, and the worst exit status of all."""
    statuses = [_status(outcome) for outcome in outcomes]
    status = max(statuses, key=_badness)
    failed = {one.vm: _error(one).code for one in outcomes if one.report is None}
    made = [one.vm for one in outcomes if one.report is not None]
    event = json_machines.VmBackupsDone(
        made=[encodable(name) for name in made],
        failed={encodable(name): code for name, code in failed.items()},
        seconds=round(seconds, 3),
        exit_status=status,
    )
    total = ngettext("{count} machine", "{count} machines", len(outcomes))
    told = _("{machines} in {time}, backed up: {made}").format(
        machines=total.format(count=len(outcomes)), time=format_duration(seconds), made=len(made)
    )
    reasons = ", ".join(f"{name} ({code})" for name, code in failed.items())
    lines = [_("Not backed up: {machines}").format(machines=shown.line(reasons))] if failed else []
    out.done(event, told, *lines)
    return status


def _status(outcome: "VmOutcome") -> int:
    if outcome.report is None:
        return _error(outcome).exit_status
    return Exit.WARNINGS if _missing(outcome.report.facts.left_out) else Exit.FINE


def _badness(status: int) -> int:
    """What is worse than another; what is not listed is as bad as any failure."""
    order = (Exit.FINE, Exit.WARNINGS, Exit.LOCKED, Exit.DECIDE, Exit.USAGE, Exit.FAILED)
    return order.index(status) if status in order else len(order)


def _tell_text(out: Output, outcome: "VmOutcome") -> None:
    if outcome.report is None:
        out.error(_error(outcome))
    else:
        tell(out, outcome.report)


def _tell_json(out: Output, outcome: "VmOutcome") -> None:
    if outcome.report is not None:
        tell(out, outcome.report)
        return
    told = error_event(_error(outcome))
    out.show(
        json_machines.VmBackupFailed(
            vm=encodable(outcome.vm),
            code=told.code,
            message=told.message,
            remedy=told.remedy,
            exit_status=told.exit_status,
            retry=told.retry,
            finding=told.finding,
        )
    )


def _error(outcome: "VmOutcome") -> HoldfastError:
    err = outcome.error
    if isinstance(err, HoldfastError):
        return err
    from holdfast.cli.unexpected import Unexpected

    return Unexpected(kind=type(err).__name__, reason=err)


def _missing(left_out: "Mapping[str, str]") -> dict[str, str]:
    return {disk: reason for disk, reason in left_out.items() if reason != NOT_MISSED}


def event_of(report: "VmReport") -> json_machines.VmBackupDone:
    facts, summary = report.facts, report.point.summary
    return json_machines.VmBackupDone(
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
                "bytes_audited": done.audited,
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
        return _("{read} read of {size}, {changed} changed, {audited} audited").format(
            read=format_size(done.bytes_read),
            size=format_size(done.size),
            changed=format_size(done.changed),
            audited=format_size(done.audited),
        )
    return _("{read} read of {size}, all of it: {why}").format(
        read=format_size(done.bytes_read),
        size=format_size(done.size),
        why=reason_text(disk.why),
    )


def _consistency(report: "VmReport") -> str:
    facts = report.facts
    reasons = reasons_text(facts.downgrades)
    frozen = _(", frozen for {ms} ms").format(ms=round(report.freeze_ms))
    name = facts.consistency.value + (frozen if report.freeze_ms else "")
    return f"{name} ({reasons})" if reasons else name
