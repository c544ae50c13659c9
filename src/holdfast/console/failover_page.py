"""One machine on its way to another host and back: what is going on, and what can be done now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from nicegui import ui

from holdfast.app.control.drills import DrillView, list_drills
from holdfast.app.control.job_views import JobDetail, JobView
from holdfast.app.control.jobs import list_jobs, show_job
from holdfast.app.control.recovery_choices import ActChoice, Choices, TrialView, show_choices
from holdfast.app.control.recovery_points import RecoveryPointView, list_recovery_points
from holdfast.app.control.recovery_views import (
    ActView,
    RecoveryHostView,
    RecoveryView,
    show_recovery,
)
from holdfast.app.recovery_titles import TITLES
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.catalog.jobs import JobFilter
from holdfast.console import job_words, shown
from holdfast.console import recovery_words as words
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.panels import acting
from holdfast.console.parts import Parts
from holdfast.console.recovery_orders import order_for
from holdfast.console.recovery_points_list import show_points
from holdfast.console.step_list import StepShown, show_steps
from holdfast.console.thing_words import tone, word, word_chip
from holdfast.console.tiles import Tile
from holdfast.console.visiting import Visit
from holdfast.fleet.jobs import State
from holdfast.fleet.paging import Window
from holdfast.fleet.recovery_arguments import OF_RECOVERY
from holdfast.fleet.roles import Right
from holdfast.recovery.record import ActKind

_EVERY = 2.0
_OPEN = ("waiting", "running")
_LAST = 50
# The way there and back, as people go it.
_WAY = ("protected", "failed-over", "committed", "protected-in-reverse")
_ON_THE_WAY = {
    "failing-over": "failed-over",
    "undoing": "protected",
    "reprotecting": "protected-in-reverse",
    "failing-back": "protected",
    "migrated": "committed",
}
_MAIN = {
    "protected": ActKind.TEST,
    "failed-over": ActKind.COMMIT,
    "committed": ActKind.REPROTECT,
    "reprotecting": ActKind.REPROTECT,
    "protected-in-reverse": ActKind.FAILBACK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """All that the changing part of the page shows."""

    recovery: RecoveryView
    choices: Choices
    job: JobDetail | None
    points: int
    newest_at: datetime | None
    drill: DrillView | None


@page("/recovery/{vm}", title=N_("Failover"), section="recovery")
async def failover_page(visit: Visit, vm: str, job: str = "") -> None:
    drills = {one.vm: one for one in await visit.ask(list_drills)}

    async def load() -> _Seen:
        recovery = await visit.ask(show_recovery, vm)
        points = await visit.ask(list_recovery_points, recovery.vm)
        return _Seen(
            recovery=recovery,
            choices=await visit.ask(show_choices, recovery.vm),
            job=await _job(visit, recovery, job),
            points=len(points),
            newest_at=recovery.latest_at or (points[0].taken_at if points else None),
            drill=drills.get(recovery.vm),
        )

    parts = Parts(load)
    _parts(visit, parts)
    await parts.refresh()
    uuid = (await visit.ask(show_recovery, vm)).vm

    async def load_points() -> list[RecoveryPointView]:
        return await visit.ask(list_recovery_points, uuid)

    shown.heading(_("Recovery points"), place="points")
    points = await show_points(visit, uuid, load_points)

    async def again() -> None:
        await parts.refresh()
        await points.refresh()

    visit.every(_EVERY, again)


async def _job(visit: Visit, recovery: RecoveryView, wanted: str) -> JobDetail | None:
    """The one that was ordered here, else one that is under way."""
    if wanted:
        return await visit.ask(show_job, wanted)
    kinds = tuple(kind.value for kind in OF_RECOVERY if kind.value != "failover-check")
    filter_ = JobFilter(kinds=kinds, states=_OPEN)
    found = await visit.ask(list_jobs, filter_, Window(limit=_LAST))
    for one in found.items:
        if _is_about(one, recovery):
            return await visit.ask(show_job, one.id)
    return None


def _is_about(job: JobView, recovery: RecoveryView) -> bool:
    return job.source.partition(":")[2] in (recovery.vm, recovery.name)


def _parts(visit: Visit, parts: Parts[_Seen]) -> None:
    parts.add(_place_of, lambda seen: _head(seen.recovery))
    parts.add(lambda seen: seen.job and _of_job(seen.job), lambda seen: _job_card(seen.job))
    parts.add(
        lambda seen: ([host.act for host in seen.recovery.hosts], _is_shown(seen.job)), _act_cards
    )
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        parts.tell(_Figures(visit.plane.clock).say)
        parts.add(lambda seen: seen.drill, lambda seen: _drill(visit, seen.drill), is_within=True)
    parts.add(
        lambda seen: (seen.choices.choices, seen.recovery.stage), lambda seen: _acts(visit, seen)
    )
    parts.add(
        lambda seen: seen.choices.trials,
        lambda seen: _trials(visit, seen.recovery, seen.choices.trials),
    )
    parts.add(
        lambda seen: [replace(one, act=None) for one in seen.recovery.hosts],
        lambda seen: _hosts(visit, seen.recovery),
    )


def _place_of(seen: _Seen) -> tuple[str, str, list[str], bool]:
    one = seen.recovery
    return one.stage, one.runs_on, one.replicated_to, one.is_split


def _of_job(detail: JobDetail) -> tuple[object, ...]:
    return detail.job.state, detail.steps, detail.error


def _act_cards(seen: _Seen) -> None:
    for host in seen.recovery.hosts:
        if host.act is not None and not _is_shown(seen.job):
            _act_card(host, host.act)


def _is_shown(job: JobDetail | None) -> bool:
    """Its steps are those of the act itself, and newer."""
    return job is not None and not State(job.job.state).is_over


def _head(one: RecoveryView) -> None:
    with ui.element("div").classes("hf-row"):
        shown.subject(one.name)
        word_chip(words.STAGE, one.stage)
        ui.label(_("runs on {host}").format(host=one.runs_on or "-"))
        if one.replicated_to:
            ui.icon("arrow_forward").props("aria-hidden=true")
            ui.label(_("replicated to {sites}").format(sites=", ".join(one.replicated_to)))
    _way(one.stage)
    if one.is_split:
        _split()


def _way(stage: str) -> None:
    """Where it stands on the way there and back."""
    at = _ON_THE_WAY.get(stage, stage)
    with ui.element("ol").classes("hf-row").style("list-style:none;margin:0;padding:0"):
        for number, name in enumerate(_WAY):
            with ui.element("li").classes("hf-row") as entry:
                if name == at:
                    entry.props("aria-current=step")
                shown.chip(
                    f"{number + 1}. {word(words.STAGE, name)}", "busy" if name == at else "idle"
                )


def _split() -> None:
    with ui.element("section").classes("hf-notice hf-bad").props("role=alert"):
        ui.label(_("It was seen to run at both hosts.")).classes("hf-strong")
        ui.label(
            _(
                "Each of the two writes to disks of its own. Decide which is right and shut the "
                "other one down. If it is the one at home: undo the failover. If it is the one at "
                "the site: shut the one at home down, then reprotect."
            )
        )
        shown.link("split-brain", "/doctor?code=split-brain").classes("hf-code")


def _job_card(detail: JobDetail | None) -> None:
    if detail is None:
        return
    job = detail.job
    with shown.card():
        with ui.element("div").classes("hf-row"):
            shown.heading(_("Ordered from here"))
            shown.chip(job_words.state_text(job.state), job_words.tone(job.state))
            ui.label(
                _("at {host}, by {who}").format(
                    host=job.machine or "-", who=job_words.who_text(job.asked_by)
                )
            )
            ui.space()
            shown.link(_("The job"), f"/jobs/{job.id}")
        steps = [
            StepShown(
                text=_title(step.name),
                state=step.state,
                began_at=step.started_at,
                ended_at=step.ended_at,
                said=str(step.detail.get("said", "")),
                error=str(step.detail.get("error", "")),
            )
            for step in detail.steps
        ]
        if steps:
            show_steps(steps)
        elif job.state == "waiting":
            ui.label(_("Its host has not begun yet; it asks every few seconds.")).classes(
                "hf-muted"
            )
        if detail.error:
            with ui.element("section").classes("hf-notice hf-bad"):
                ui.label(str(detail.error.get("message", ""))).classes("hf-strong hf-pre")
                shown.prose(str(detail.error.get("remedy", ""))).classes("hf-pre")
                code = str(detail.error.get("code", ""))
                shown.link(code, f"/doctor?code={quote(code)}").classes("hf-code")


def _act_card(host: RecoveryHostView, act: ActView) -> None:
    stands = bool(act.steps) and act.steps[-1].state == "failed"
    with shown.card():
        with ui.element("div").classes("hf-row"):
            shown.heading(words.act_name(act.kind))
            shown.chip(_("Stands still") if stands else _("Under way"), "bad" if stands else "busy")
            ui.label(_("at {host}, by {who}").format(host=host.machine, who=act.who or "-"))
        if stands:
            ui.label(
                _("Mend what the last step says, then begin the same again: it goes on there.")
            )
        show_steps(
            [
                StepShown(
                    text=_title(step.name),
                    state=step.state,
                    began_at=_moment(step.began_at),
                    ended_at=_moment(step.ended_at),
                    said=step.said,
                    error=step.error,
                )
                for step in act.steps
            ]
        )


def _title(name: str) -> str:
    return _(TITLES[name]) if name in TITLES else name


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class _Figures:
    """They change with the time, under the hand of whoever is about to press one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lost = Tile(_("Would be lost now"), "#points")
        self._newest = Tile(_("Newest point"), "#points")
        self._points = Tile(_("Recovery points"), "#points")

    def say(self, seen: _Seen) -> None:
        when = shown.when(seen.newest_at) if seen.newest_at else ""
        self._lost.say(shown.duration(seen.recovery.rpo_seconds))
        self._newest.say(shown.ago(seen.newest_at, self._clock.now()), when)
        self._points.say(str(seen.points))


def _drill(visit: Visit, drill: DrillView | None) -> None:
    verdict = drill.verdict if drill else "never"
    shown.figure(
        _("Last drill"),
        word(words.VERDICT, verdict),
        tone=tone(words.VERDICT, verdict) or "idle",
        note=shown.ago(drill.at, visit.plane.clock.now()) if drill and drill.at else "",
        href=f"/drills/{drill.run}" if drill and drill.run else "/drills",
    )


def _acts(visit: Visit, seen: _Seen) -> None:
    found = [one for one in seen.choices.choices if one.kind != ActKind.CLEAN_UP]
    with shown.card(_("What can be done now")):
        if not found:
            ui.label(_("Nothing: it is not replicated, or its hosts have told nothing.")).classes(
                "hf-muted"
            )
        main = _MAIN.get(seen.recovery.stage)
        with ui.element("div").classes("hf-grid"):
            for one in sorted(found, key=lambda one: one.kind != main):
                _choice(visit, seen.recovery, one, is_main=one.kind == main)


def _choice(visit: Visit, recovery: RecoveryView, one: ActChoice, *, is_main: bool) -> None:
    text = words.act_name(one.kind)
    if one.is_going_on:
        text = _("Go on: {act}").format(act=text)
    with ui.element("div").classes("hf-stack"):
        if visit.may(Right(one.right), recovery.vault_id):
            place = f"/recovery/{recovery.vm}/{one.kind}?host={one.machine_id}"
            is_lit = is_main or one.is_going_on
            with ui.link(target=place).classes("hf-button" + " hf-button-main" * is_lit):
                ui.icon(words.ICON[one.kind]).props("aria-hidden=true")
                ui.label(text)
        else:
            ui.label(text).classes("hf-strong")
        ui.label(_(words.SHORT[one.kind])).classes("hf-muted")
        if not one.is_heard:
            shown.chip(_("{host} is silent").format(host=one.machine), "bad")


def _trials(visit: Visit, recovery: RecoveryView, trials: Sequence[TrialView]) -> None:
    if not trials:
        return
    now = visit.plane.clock.now()
    with shown.card(_("Test machines that are still there")):
        for one in trials:
            with ui.element("div").classes("hf-row"):
                ui.label(one.name).classes("hf-strong")
                ui.label(_("on {host}").format(host=one.machine))
                ends = shown.ago(one.ends_at, now) if one.ends_at else _("when somebody ends it")
                ui.label(_("is cleaned up {when}").format(when=ends)).classes("hf-muted")
                if one.trouble:
                    shown.chip(one.trouble, "bad")
                if visit.may(Right.RUN_JOBS, recovery.vault_id):
                    _clean_button(visit, recovery, one)


def _clean_button(visit: Visit, recovery: RecoveryView, one: TrialView) -> None:
    async def clean() -> None:
        await order_for(
            visit,
            recovery.vm,
            recovery.name,
            act="cleanup",
            arguments={},
            host=one.machine_id,
        )
        say(_("Ordered: the host does it when it comes next."))

    ui.button(_("Clean up"), on_click=acting(visit, clean)).props("outline no-caps color=primary")


def _hosts(visit: Visit, recovery: RecoveryView) -> None:
    if not recovery.hosts:
        return
    now = visit.plane.clock.now()
    with shown.card(_("What its hosts know")), ui.element("div").classes("hf-halves"):
        for host in recovery.hosts:
            with ui.element("div").classes("hf-stack"):
                with ui.element("div").classes("hf-row"):
                    shown.heading(host.machine, 3)
                    shown.chip(
                        word(words.STAGE, host.stage), tone(words.STAGE, host.stage) or "idle"
                    )
                    if not host.is_heard:
                        shown.chip(_("Silent"), "bad")
                taken = shown.when(_moment(host.point_at))
                point = f"{taken} · {host.point[:16]}" if host.point else "-"
                shown.facts(
                    [
                        (_("Since"), shown.when(host.stage_since)),
                        (_("Epoch"), str(host.epoch)),
                        (_("Cannot be started there"), _("yes") if host.is_fenced else _("no")),
                        (_("Started from"), point),
                        (_("Heard"), shown.ago(host.told_at, now)),
                    ]
                )
