"""How the decisions of a retention policy are told."""

from typing import TYPE_CHECKING

from holdfast.base.texts import _, ngettext
from holdfast.cli import json_events, shown
from holdfast.cli.output import Output

if TYPE_CHECKING:
    from holdfast.app.retain import Plan
    from holdfast.vault.policy.retention import Verdict
    from holdfast.vault.snapshot import Snapshot

_SHORT = 8


def tell(out: Output, plan: "Plan", *, dry_run: bool) -> None:
    """Each point with the rules that hold it, then the sums."""
    for verdict, line in zip(plan.verdicts, _lines(plan), strict=True):
        event = _event(verdict)
        # A decision that is only looked at was asked for; one carried out is work done.
        (out.show if dry_run else out.done)(event, line)
    for point in plan.implausible:
        sentence = _("The time of recovery point {point} cannot be right: {time}; it is kept")
        out.warning(sentence.format(point=point.id[:_SHORT], time=shown.moment(point.taken_at)))
    kept, removed = len(plan.keep), len(plan.remove)
    done = json_events.RetainDone(dry_run=dry_run, kept=kept, removed=removed)
    out.done(done, _sums(kept, removed, dry_run=dry_run))


def _event(verdict: "Verdict[Snapshot]") -> json_events.Retain:
    return json_events.Retain(
        point=verdict.point.id,
        time=verdict.point.stored.time,
        keep=verdict.keep,
        rules=[hold.rule for hold in verdict.holds],
        until=verdict.until.isoformat() if verdict.until else None,
    )


def _lines(plan: "Plan") -> list[str]:
    return shown.table([_row(verdict) for verdict in plan.verdicts])


def _row(verdict: "Verdict[Snapshot]") -> tuple[str, ...]:
    point = verdict.point
    return (
        _("keep") if verdict.keep else _("forget"),
        point.id[:_SHORT],
        shown.moment(point.taken_at),
        shown.line(point.host),
        shown.line(" ".join(point.paths)),
        ", ".join(hold.rule for hold in verdict.holds),
    )


def _sums(kept: int, removed: int, *, dry_run: bool) -> str:
    if dry_run:
        sentence = ngettext(
            "Dry run: {removed} recovery point would be forgotten, {kept} kept",
            "Dry run: {removed} recovery points would be forgotten, {kept} kept",
            removed,
        )
    else:
        sentence = ngettext(
            "Forgot {removed} recovery point, {kept} kept",
            "Forgot {removed} recovery points, {kept} kept",
            removed,
        )
    return sentence.format(removed=f"{removed:,}", kept=f"{kept:,}")
