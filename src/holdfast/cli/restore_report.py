"""How a finished restore is told."""

from typing import TYPE_CHECKING

from holdfast.base.texts import _, ngettext
from holdfast.base.units import format_duration, format_size
from holdfast.cli import json_events, shown
from holdfast.cli.json_reports import path_base64, path_text
from holdfast.cli.output import Output

if TYPE_CHECKING:
    from holdfast.base.ids import SnapshotId
    from holdfast.files.options import RestoreOptions
    from holdfast.files.report import RestoreReport

_SHORT = 8


def tell(
    out: Output, report: "RestoreReport", options: "RestoreOptions", *, point: "SnapshotId"
) -> int:
    """Items that are not as they were, the summary; and the exit status they make."""
    from holdfast.app.restore import exit_status

    out.skipped(report.problems)
    out.done(_event(report, options, point), *_lines(report, options, point))
    return exit_status(report)


def _event(
    report: "RestoreReport", options: "RestoreOptions", point: str
) -> json_events.RestoreDone:
    return json_events.RestoreDone(
        point=point,
        target=path_text(options.target),
        target_base64=path_base64(options.target),
        dry_run=options.dry_run,
        seconds=round(report.seconds, 3),
        files=report.files,
        files_unchanged=report.files_unchanged,
        folders=report.folders,
        others=report.others,
        bytes_written=report.bytes_written,
        bytes_total=report.bytes_total,
        bytes_verified=report.bytes_verified,
        problems=len(report.problems),
    )


def _lines(report: "RestoreReport", options: "RestoreOptions", point: str) -> list[str]:
    counts = _("{files}, {folders:,} folders, {others:,} others; {same:,} files were right already")
    items = counts.format(
        files=shown.files(report.files),
        folders=report.folders,
        others=report.others,
        same=report.files_unchanged,
    )
    rows = [(_("Items"), items), (_("Written"), _work(report))]
    if options.verify and not options.dry_run:
        rows.append((_("Verified"), format_size(report.bytes_verified)))
    return [*shown.table(rows), _verdict(report, options, point[:_SHORT])]


def _work(report: "RestoreReport") -> str:
    sentence = _("{written} of {total} in {time} ({rate}/s)")
    return sentence.format(
        written=format_size(report.bytes_written),
        total=format_size(report.bytes_total),
        time=format_duration(report.seconds),
        rate=format_size(report.bytes_total / max(report.seconds, 0.001)),
    )


def _verdict(report: "RestoreReport", options: "RestoreOptions", point: str) -> str:
    problems, target = len(report.problems), shown.path(options.target)
    if problems:
        sentence = ngettext(
            "Restored {point} to {target} with warnings: {count} item is not as it was",
            "Restored {point} to {target} with warnings: {count} items are not as they were",
            problems,
        )
        return sentence.format(point=point, target=target, count=f"{problems:,}")
    if options.dry_run:
        return _("Dry run: nothing was written")
    if options.verify:
        sentence = _("Restored {point} to {target}, and proved every byte and attribute")
    else:
        sentence = _("Restored {point} to {target}")
    return sentence.format(point=point, target=target)
