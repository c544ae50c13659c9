"""How a finished backup is told."""

from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.base.texts import _, ngettext
from holdfast.base.units import format_duration, format_size
from holdfast.cli import json_events, shown
from holdfast.cli.output import Output

if TYPE_CHECKING:
    from holdfast.app.backup import BackupDone
    from holdfast.files.report import BackupReport


def tell(out: Output, done: "BackupDone") -> int:
    """Warnings, items left out, the summary; and the exit status they make."""
    report = done.report
    for warning in report.warnings:
        out.warning(warning)
    out.skipped(report.skipped, listed_in=done.skipped_list)
    out.done(event_of(done), *lines_of(done))
    return Exit.WARNINGS if report.skipped else Exit.FINE


def event_of(done: "BackupDone") -> json_events.BackupDone:
    report, summary = done.report, done.report.summary
    return json_events.BackupDone(
        point=None if done.dry_run else report.snapshot,
        parent=report.parent,
        dry_run=done.dry_run,
        seconds=round(report.seconds, 3),
        files_new=summary.files_new,
        files_changed=summary.files_changed,
        files_unmodified=summary.files_unmodified,
        files_total=summary.total_files_processed,
        folders_new=summary.dirs_new,
        folders_changed=summary.dirs_changed,
        folders_unmodified=summary.dirs_unmodified,
        bytes_total=summary.total_bytes_processed,
        bytes_added=summary.data_added,
        bytes_stored=summary.data_added_packed,
        skipped=len(report.skipped),
        skipped_list=done.skipped_list,
    )


def lines_of(done: "BackupDone") -> list[str]:
    report, summary = done.report, done.report.summary
    counts = _("{new:,} new, {changed:,} changed, {unchanged:,} unchanged").format(
        new=summary.files_new, changed=summary.files_changed, unchanged=summary.files_unmodified
    )
    rows = [
        (_("Files"), counts),
        (_("Covered"), _work(report)),
        (
            _("Added"),
            _("{size}, {stored} as stored").format(
                size=format_size(summary.data_added), stored=format_size(summary.data_added_packed)
            ),
        ),
    ]
    return [*shown.table(rows), _verdict(done)]


def _work(report: "BackupReport") -> str:
    summary = report.summary
    size = format_size(summary.total_bytes_processed)
    rate = format_size(summary.total_bytes_processed / max(report.seconds, 0.001))
    return _("{files}, {size} in {time} ({rate}/s)").format(
        files=shown.files(summary.total_files_processed),
        size=size,
        time=format_duration(report.seconds),
        rate=rate,
    )


def _verdict(done: "BackupDone") -> str:
    skipped = len(done.report.skipped)
    if done.dry_run:
        return _("Dry run: nothing was stored")
    point = done.report.snapshot[:8]
    if not skipped:
        return _("Made recovery point {point}").format(point=point)
    sentence = ngettext(
        "Made recovery point {point} with warnings: {count} item was left out",
        "Made recovery point {point} with warnings: {count} items were left out",
        skipped,
    )
    return sentence.format(point=point, count=f"{skipped:,}")
