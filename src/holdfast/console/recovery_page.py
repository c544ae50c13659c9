"""Every machine that is replicated or was failed over: where it runs, and how it could be brought back."""

from collections.abc import Sequence

from nicegui import ui

from holdfast.app.control.drills import DrillView, list_drills
from holdfast.app.control.recovery_views import RecoveryView, list_recoveries
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.columns import ago_column, time_column, vm_column, word_column
from holdfast.console.one_look import OneLook
from holdfast.console.pages import page
from holdfast.console.panels import Panel
from holdfast.console.tables import Choice, Column, Empty, Listing
from holdfast.console.thing_words import word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of

_EVERY = 5.0
_AWAY = ("failed-over", "committed", "reprotecting", "protected-in-reverse")
_MOVING = ("failing-over", "undoing", "failing-back")


@page("/recovery", title=N_("Failover"), section="recovery")
async def recovery_page(visit: Visit) -> None:
    ui.label(
        _("Where each replicated machine runs, and what would be lost if its host were lost now.")
    ).classes("hf-muted")

    async def load() -> list[RecoveryView]:
        return await all_of(visit, list_recoveries)

    drills = {one.vm: one for one in await visit.ask(list_drills)}
    look = OneLook(load)
    figures = Panel(look.anew, _figures)
    await figures.refresh()
    listing = Listing(
        visit,
        name="recovery",
        columns=_columns(drills, visit.plane.clock),
        load=look.last,
        empty=Empty(
            title=_("Nothing can be failed over yet"),
            text=_("A machine can be started at another site once it is replicated there."),
            action=_("Replication"),
            href="/replications",
        ),
        choices=[
            Choice(name="stage", label=_("Stage"), value=_stage),
            Choice(name="on", label=_("Runs on"), value=lambda row: row.runs_on),
        ],
    )
    await listing.show()

    async def again() -> None:
        await figures.refresh()
        await listing.refresh()

    visit.every(_EVERY, again)


def _figures(rows: Sequence[RecoveryView]) -> None:
    if not rows:
        return
    split = sum(row.is_split for row in rows)
    stands = sum(bool(stands_still(row)) for row in rows)
    behind = [row.rpo_seconds for row in rows if row.rpo_seconds is not None]
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        shown.figure(_("Machines"), str(len(rows)))
        shown.figure(
            _("Run away from home"), str(sum(row.stage in _AWAY for row in rows)), tone="idle"
        )
        shown.figure(_("Under way"), str(sum(row.stage in _MOVING for row in rows)), tone="busy")
        shown.figure(_("Stand still, need a person"), str(stands), tone="bad" if stands else "good")
        if split:
            shown.figure(_("Run at both hosts"), str(split), tone="bad")
        shown.figure(_("Furthest behind"), shown.duration(max(behind, default=None)))


def stands_still(row: RecoveryView) -> str:
    """The step at which an act has failed; empty: none has."""
    for host in row.hosts:
        if host.act and host.act.steps and host.act.steps[-1].state == "failed":
            return host.act.steps[-1].name
    return ""


def _stage(row: RecoveryView) -> str:
    return word(words.STAGE, row.stage)


def _columns(drills: dict[str, DrillView], clock: Clock) -> list[Column[RecoveryView]]:
    return [
        vm_column(lambda row: f"/recovery/{row.vm}"),
        word_column("stage", _("Stage"), lambda row: row.stage, words.STAGE),
        Column(name="on", label=_("Runs on"), value=lambda row: row.runs_on or "-"),
        Column(
            name="to",
            label=_("Replicated to"),
            value=lambda row: ", ".join(row.replicated_to) or "-",
        ),
        time_column("behind", _("Would be lost"), lambda row: row.rpo_seconds),
        ago_column("newest", _("Newest point"), lambda row: row.latest_at, clock, is_minor=True),
        Column(name="doing", label=_("Under way"), value=_doing),
        word_column(
            "drill",
            _("Last drill"),
            lambda row: _verdict(drills, row),
            words.VERDICT,
            href=lambda row: _drill_of(drills, row),
        ),
    ]


def _doing(row: RecoveryView) -> str:
    if row.is_split:
        return _("It runs at both hosts!")
    for host in row.hosts:
        if host.act:
            name = words.act_name(host.act.kind)
            return f"{name}: {_('stands still')}" if stands_still(row) else name
    return ""


def _verdict(drills: dict[str, DrillView], row: RecoveryView) -> str:
    return drills[row.vm].verdict if row.vm in drills else "never"


def _drill_of(drills: dict[str, DrillView], row: RecoveryView) -> str:
    found = drills.get(row.vm)
    return f"/drills/{found.run}" if found and found.run else f"/recovery/{row.vm}/test"
