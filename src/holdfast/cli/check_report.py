"""How the findings of a check and the losses behind them are told."""

from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.base.texts import _, ngettext
from holdfast.base.units import format_duration, format_size
from holdfast.cli import json_events, shown
from holdfast.cli.json_reports import path_base64, path_text
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.vault.check_findings import CheckReport, Finding, Loss

_SHORT = 8


def tell(out: Output, report: "CheckReport") -> int:
    """Findings, losses, the verdict; and the exit status they make."""
    for warning in report.warnings:
        out.warning(warning)
    tell_findings(out, report.findings)
    tell_losses(out, report.losses, unnamed=report.losses_unnamed)
    out.done(_event(report), *_lines(report))
    return Exit.DAMAGE if report.is_damaged else Exit.FINE


def tell_findings(out: Output, findings: "Iterable[Finding]") -> None:
    for finding in findings:
        level = _("damage") if finding.level.value == "damage" else _("hint")
        event = json_events.Finding(
            level=finding.level.value, code=finding.code, message=encodable(finding.sentence)
        )
        out.show(event, f"{level}: {shown.line(finding.sentence)} ({finding.code})")


def tell_losses(out: Output, losses: "Iterable[Loss]", *, unnamed: int) -> None:
    for loss in losses:
        points = ", ".join(point[:_SHORT] for point in loss.snapshots)
        kind = _("folder with all below it") if loss.is_folder else _("file")
        event = json_events.Loss(
            path=path_text(loss.path),
            path_base64=path_base64(loss.path),
            is_folder=loss.is_folder,
            points=list(loss.snapshots),
        )
        sentence = _("lost: {path} ({kind}) in {points}")
        out.show(event, sentence.format(path=shown.path(loss.path), kind=kind, points=points))
    if unnamed:
        out.remark(_("… and {count} more").format(count=f"{unnamed:,}"))


def _event(report: "CheckReport") -> json_events.CheckDone:
    return json_events.CheckDone(
        damaged=report.is_damaged,
        findings=len(report.findings),
        losses=len(report.losses) + report.losses_unnamed,
        points=report.snapshots,
        trees=report.trees,
        blobs=report.blobs,
        packs=report.packs,
        packs_read=report.packs_read,
        bytes_read=report.bytes_read,
        bytes_total=report.bytes_total,
        seconds=round(report.seconds, 3),
    )


def _lines(report: "CheckReport") -> list[str]:
    looked = _("{points}, {packs}, {blobs} in {time}").format(
        points=_counted(
            ngettext("{count} recovery point", "{count} recovery points", report.snapshots),
            report.snapshots,
        ),
        packs=_counted(ngettext("{count} pack", "{count} packs", report.packs), report.packs),
        blobs=_counted(ngettext("{count} blob", "{count} blobs", report.blobs), report.blobs),
        time=format_duration(report.seconds),
    )
    lines = [looked]
    if report.packs_read:
        read = ngettext(
            "Read {size} of {total}, {count} pack",
            "Read {size} of {total}, {count} packs",
            report.packs_read,
        )
        sizes = {"size": format_size(report.bytes_read), "total": format_size(report.bytes_total)}
        lines.append(read.format(count=f"{report.packs_read:,}", **sizes))
    return [*lines, _verdict(report)]


def _counted(words: str, count: int) -> str:
    return words.format(count=f"{count:,}")


def _verdict(report: "CheckReport") -> str:
    damage = len(report.damage)
    if not damage:
        return _("No damage was found")
    sentence = ngettext(
        "{count} thing is damaged; go on with `holdfast vault repair --dry-run`",
        "{count} things are damaged; go on with `holdfast vault repair --dry-run`",
        damage,
    )
    return sentence.format(count=f"{damage:,}")
