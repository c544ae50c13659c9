"""Every machine that is replicated or was failed over: where it runs, and how it could be brought back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicegui import ui

from holdfast.app.control.drills import DrillView, list_drills
from holdfast.app.control.recovery_views import RecoveryView, list_recoveries
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.columns import ago_column, time_column, vm_column, word_column
from holdfast.console.narrowed import narrowed, only_these
from holdfast.console.one_look import OneLook
from holdfast.console.pages import page
from holdfast.console.panels import Panel
from holdfast.console.shown import Tone
from holdfast.console.tables import Choice, Column, Empty, Listing
from holdfast.console.thing_words import word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of

_EVERY = 5.0
_AWAY = ("failed-over", "committed", "reprotecting", "protected-in-reverse")
_MOVING = ("failing-over", "undoing", "failing-back")
_AT = "/recovery?only={}"


@page("/recovery", title=N_("Failover"), section="recovery")
async def recovery_page(visit: Visit, only: str = "") -> None:
    """`only`: away, moving, still or split; those that a figure counts."""
    ui.label(
        _("Where each replicated machine runs, and what would be lost if its host were lost now.")
    ).classes("hf-muted")

    async def load() -> list[RecoveryView]:
        return await all_of(visit, list_recoveries)

    drills = {one.vm: one for one in await visit.ask(list_drills)}
    look = OneLook(load)
    figures = Panel(look.anew, _figures)
    await figures.refresh()
    part = _PARTS.get(only)
    if part:
        narrowed(only_these(_(part.label)), "/recovery")

    async def rows() -> list[RecoveryView]:
        return [row for row in await look.last() if part is None or part.fits(row)]

    listing = Listing(
        visit,
        name="recovery",
        columns=_columns(drills, visit.plane.clock),
        load=rows,
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
    behind = [(row.rpo_seconds, row.vm) for row in rows if row.rpo_seconds is not None]
    seconds, vm = max(behind, default=(None, ""))
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        shown.figure(_("Machines"), str(len(rows)), href="/recovery")
        for name, part in _PARTS.items():
            count = sum(map(part.fits, rows))
            if count or not part.is_rare:
                tone = part.tone if count else part.calm
                shown.figure(_(part.label), str(count), tone=tone, href=_AT.format(name))
        href = f"/recovery/{vm}" if vm else "/recovery"
        shown.figure(_("Furthest behind"), shown.duration(seconds), href=href)


def stands_still(row: RecoveryView) -> str:
    """The step at which an act has failed; empty: none has."""
    for host in row.hosts:
        if host.act and host.act.steps and host.act.steps[-1].state == "failed":
            return host.act.steps[-1].name
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Some of the machines: a figure, and the list that it leads to."""

    label: str
    fits: Callable[[RecoveryView], bool]
    tone: Tone = "idle"
    # Where there is none.
    calm: Tone = "idle"
    is_rare: bool = False


_PARTS = {
    "away": _Part(label=N_("Run away from home"), fits=lambda row: row.stage in _AWAY),
    "moving": _Part(
        label=N_("Under way"), fits=lambda row: row.stage in _MOVING, tone="busy", calm="busy"
    ),
    "still": _Part(
        label=N_("Stand still, need a person"),
        fits=lambda row: bool(stands_still(row)),
        tone="bad",
        calm="good",
    ),
    "split": _Part(
        label=N_("Run at both hosts"), fits=lambda row: row.is_split, tone="bad", is_rare=True
    ),
}


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
