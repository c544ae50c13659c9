"""What a policy would keep, and what a change of it would let go, while it is being written."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from holdfast.app.control.preview import PointGoing, Preview
from holdfast.app.control.retention_trial import RetentionTrial
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _, ngettext
from holdfast.console import shown
from holdfast.console.charts import Series, time_chart
from holdfast.console.notices import problem
from holdfast.console.plain_tables import Cell, count_cell, moment_cell, plain_table
from holdfast.console.visiting import Visit

_MOST_GOING = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of one state of the form: either it is understood, or it is said why not."""

    trial: RetentionTrial | None = None
    # Of a policy that holds for something already.
    change: Preview | None = None
    wrong: HoldfastError | None = None


def draw(visit: Visit, outcome: Outcome) -> None:
    with shown.card(_("What it keeps")):
        if outcome.wrong is not None:
            problem(outcome.wrong)
        if outcome.trial is not None:
            _kept(visit, outcome.trial)
        if outcome.change is not None:
            _going(outcome.change)


def _kept(visit: Visit, trial: RetentionTrial) -> None:
    if trial.refused:
        _notice(_("The vault would refuse it: {reason}").format(reason=trial.refused), "bad")
    count = ngettext("{count} recovery point", "{count} recovery points", trial.count)
    ui.label(
        _("Had it always run, there would be {points} now, the oldest {when}.").format(
            points=count.format(count=trial.count),
            when=shown.ago(trial.oldest_at, visit.plane.clock.now()),
        )
    )
    if trial.is_forever:
        _notice(_("Some are kept for ever: the vault grows with every year."), "warn")
    if trial.is_thinned:
        ui.label(_("Older runs are drawn one a day, as there are so many.")).classes("hf-muted")
    _along_time(visit, trial)
    plain_table(
        "rules",
        [_("Rule"), _("Points it holds")],
        [[Cell(one.rule), count_cell(one.points)] for one in trial.rules],
    )
    shown.heading(_("Next runs"), 3)
    ui.label(" · ".join(shown.when(one) for one in trial.next_runs[:3])).classes("hf-muted")


def _along_time(visit: Visit, trial: RetentionTrial) -> None:
    """A line of dots for each rule: where a point is held, and by how many."""
    rules = [one.rule for one in trial.rules]
    if not rules:
        return
    series = [
        Series(
            name=rule,
            points=[
                (point.taken_at, float(place))
                for point in reversed(trial.points)
                if any(hold.rule.removesuffix(", oldest") == rule for hold in point.holds)
            ],
        )
        for place, rule in enumerate(rules)
    ]
    title = _("When the points that each rule holds were taken")
    chart = time_chart(visit, title=title, unit="", series=series, kind="scatter")
    chart.options["yAxis"] |= {
        "min": -0.5,
        "max": len(rules) - 0.5,
        "interval": 1,
        "axisLabel": {"show": False},
    }
    chart.options["tooltip"] = {"trigger": "item"}
    chart.options["legend"].update(show=True, top=0)
    for one in chart.options["series"]:
        one["symbolSize"] = 9
    chart.style("height: 200px")


def _going(change: Preview) -> None:
    if change.refused:
        _notice(_("The vault would refuse it: {reason}").format(reason=change.refused), "bad")
    if not change.count:
        ui.label(_("No recovery point that is there would go.")).classes("hf-muted")
        return
    count = ngettext(
        "{count} recovery point would go with the next thinning out.",
        "{count} recovery points would go with the next thinning out.",
        change.count,
    )
    _notice(count.format(count=change.count), "warn")
    head = [_("Taken"), _("Machine"), _("Held now by")]
    plain_table("points-that-go", head, _lines_of(change.going[:_MOST_GOING]))


def _lines_of(going: Sequence[PointGoing]) -> list[list[Cell]]:
    return [
        [
            moment_cell(
                one.taken_at, shown.when(one.taken_at), f"/points/{one.machine_id}/{one.id}"
            ),
            Cell(one.machine),
            Cell(", ".join(one.held_by)),
        ]
        for one in going
    ]


def _notice(text: str, tone: str) -> None:
    with ui.element("div").classes(f"hf-notice hf-{tone}"):
        ui.label(text)
