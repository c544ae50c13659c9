"""One replication: how far behind it was and is, what keeps it, and what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui

from holdfast.app.control.job_orders import order_job
from holdfast.app.control.job_views import JobView
from holdfast.app.control.replication_changing import last_change
from holdfast.app.control.replication_ends import end_replication
from holdfast.app.control.replication_judging import read_settings, read_status
from holdfast.app.control.replication_views import (
    History,
    ReasonView,
    ReplicationDetail,
    ReplicationView,
    show_history,
    show_replication,
)
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.asking import confirm, with_pin
from holdfast.console.charts import LiveChart, Series
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.panels import acting
from holdfast.console.parts import Parts
from holdfast.console.plain_tables import Cell, moment_cell, plain_table, size_cell
from holdfast.console.replication_settings import (
    change_settings,
    refusal_of,
    show_last_change,
    show_settings,
)
from holdfast.console.thing_words import tone, word
from holdfast.console.tiles import Tile
from holdfast.console.visiting import Visit
from holdfast.fleet.jobs import Kind
from holdfast.fleet.roles import Right
from holdfast.replication.why_texts import what_text, why_text
from holdfast.server.nudging import nudge

_EVERY, _CHART_EVERY = 3.0, 60.0
_DAY, _WEEK, _MONTH = 24, 7 * 24, 30 * 24
_MINUTE, _MIB = 60, 1 << 20
_MOST_HAPPENINGS = 20
_HALTED = ("paused", "suspended")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    detail: ReplicationDetail
    # The order that set it last, and why it failed.
    job: JobView | None
    error: Mapping[str, Any] | None


@page("/replications/{replication_id}", title=N_("Replication"), section="replications")
async def replication_page(visit: Visit, replication_id: str) -> None:
    async def load() -> _Seen:
        detail = await visit.ask(show_replication, replication_id)
        job = await visit.ask(last_change, replication_id)
        return _Seen(detail=detail, job=job, error=await refusal_of(visit, job))

    parts = Parts(load)
    parts.add(_standing, lambda seen: _head(visit, seen.detail))
    parts.add(
        lambda seen: (seen.job and (seen.job.id, seen.job.state), seen.error),
        lambda seen: show_last_change(seen.job, seen.error),
    )
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        figures = _Figures(visit.plane.clock)
        parts.tell(lambda seen: figures.say(seen.detail.replication))
    parts.add(
        lambda seen: seen.detail.replication.reasons,
        lambda seen: _reasons(seen.detail.replication.reasons),
    )
    await _chart(visit, replication_id)
    with ui.element("div").classes("hf-halves"):
        with shown.card(_("How it goes"), place="work"):
            parts.add(lambda seen: seen.detail.status, lambda seen: _work(visit, seen.detail))
        with shown.card(_("How it is set")):
            parts.add(lambda seen: seen.detail.settings, lambda seen: _set(visit, seen.detail))
    parts.add(
        lambda seen: (seen.detail.status or {}).get("happenings"),
        lambda seen: _happenings(seen.detail),
    )
    await parts.refresh()
    visit.every(_EVERY, parts.refresh)


def _standing(seen: _Seen) -> tuple[str, ...]:
    one = seen.detail.replication
    return one.name, one.health, one.state, one.machine, one.site


def _head(visit: Visit, detail: ReplicationDetail) -> None:
    one = detail.replication
    with ui.element("div").classes("hf-row"):
        shown.subject(one.name)
        shown.chip(word(words.HEALTH, one.health), tone(words.HEALTH, one.health) or "idle")
        shown.chip(word(words.STATE, one.state), tone(words.STATE, one.state) or "idle")
        shown.link(one.machine, f"/machines/{one.machine_id}")
        ui.icon("arrow_forward").props("aria-hidden=true")
        shown.link(one.site, f"/sites/{one.site}")
        ui.space()
        _acts(visit, detail)


class _Figures:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lost = Tile(_("Would be lost by a failover now"), "#behind")
        self._newest = Tile(_("Newest point"), "/recovery")
        self._queue = Tile(_("Waits to be sent"), "#queue")
        self._speed = Tile(_("Sent a second"), "#work")

    def say(self, one: ReplicationView) -> None:
        late = one.every is not None and (one.rpo_seconds or 0) > 2 * one.every
        self._lost.say(
            shown.duration(one.rpo_seconds),
            _("Promised: a new point each {time}").format(time=shown.duration(one.every)),
            tone="warn" if late else "good",
        )
        self._newest.say(shown.ago(one.latest_at, self._clock.now()), shown.when(one.latest_at))
        self._newest.lead_to(f"/recovery/{one.vm}")
        self._queue.say(shown.size(one.queue_bytes))
        self._speed.say(shown.size(one.throughput) if one.throughput else "-")


def _acts(visit: Visit, detail: ReplicationDetail) -> None:
    one = detail.replication
    may = visit.may(Right.RUN_JOBS, one.vault_id)
    shown.link(_("Failover"), f"/recovery/{one.vm}").classes("hf-button hf-button-main")
    is_halted = one.state in _HALTED
    kind = Kind.RESUME_REPLICATION if is_halted else Kind.PAUSE_REPLICATION
    text = _("Resume") if is_halted else _("Pause")
    _button(visit, text, lambda: _order(visit, detail, kind)).set_enabled(may)
    _button(visit, _("Compare anew"), lambda: _resync(visit, detail)).set_enabled(may)
    _button(visit, _("End"), lambda: _end(visit, detail)).set_enabled(
        visit.may(Right.CHANGE_POLICIES, one.vault_id)
    )


def _button(visit: Visit, text: str, act: Any) -> ui.button:
    made = ui.button(text, on_click=acting(visit, act))
    return made.props("outline no-caps color=primary")


async def _order(visit: Visit, detail: ReplicationDetail, kind: Kind, **more: Any) -> None:
    one = detail.replication
    arguments = {"vm": one.name, **more}
    made = await visit.ask(order_job, one.machine_id, kind=kind.value, arguments=arguments)
    nudge(made.id)
    say(_("Ordered: the host does it when it comes next."))


async def _resync(visit: Visit, detail: ReplicationDetail) -> None:
    agreed = await confirm(
        _("Compare all of it with its replica?"),
        _("Every block is read on both sides, and what differs is sent. The machine runs on."),
        yes=_("Compare it"),
    )
    if agreed:
        await _order(visit, detail, Kind.RESYNC_REPLICATION, now=True)


async def _end(visit: Visit, detail: ReplicationDetail) -> None:
    one = detail.replication
    agreed = await confirm(
        _("End the replication of {name}?").format(name=one.name),
        _(
            "Its replica and all its recovery points at {site} are removed. From then on it "
            "cannot be failed over."
        ).format(site=one.site),
        yes=_("End it"),
        typed=one.name,
        is_dangerous=True,
    )
    if not agreed:
        return

    async def act(armed: Visit) -> bool:
        await armed.ask(end_replication, one.id)
        return True

    if await with_pin(visit, act):
        ui.navigate.to("/replications")


def _reasons(found: Sequence[ReasonView]) -> None:
    for one in found:
        colour = "hf-bad" if one.health == "critical" else "hf-warn"
        with ui.element("section").classes(f"hf-notice {colour}"):
            ui.label(one.said).classes("hf-strong")
            if one.remedy:
                shown.prose(one.remedy)
            with ui.element("div").classes("hf-row"):
                ui.label(_("since {when}").format(when=shown.when(one.since)))
                shown.link(one.code, f"/doctor?code={one.code}").classes("hf-code")


async def _chart(visit: Visit, replication_id: str) -> None:
    with shown.card(_("How far behind it was"), place="behind"):
        hours = (
            ui.toggle({_DAY: _("A day"), _WEEK: _("A week"), _MONTH: _("A month")}, value=_DAY)
            .props(f'no-caps dense aria-label="{_("How far back")}"')
            .style("align-self:flex-start")
        )
        found = await visit.ask(show_history, replication_id, hours=_DAY)
        promised = await _promised(visit, replication_id)
        chart = LiveChart(
            visit,
            title=_("How far behind it was, in minutes"),
            # The word that times of minutes have.
            unit=_("{minutes} min").format(minutes="").strip(),
            series=_behind(found, promised),
        )
        shown.heading(_("What waited to be sent"), 3, place="queue")
        queue = LiveChart(
            visit, title=_("What waited to be sent, in MiB"), unit="MiB", series=_queue(found)
        )

        async def again() -> None:
            now = await visit.ask(show_history, replication_id, hours=int(hours.value))
            chart.redraw(_behind(now, promised))
            queue.redraw(_queue(now))

        hours.on_value_change(visit.doing(again))
        visit.every(_CHART_EVERY, again)


async def _promised(visit: Visit, replication_id: str) -> int | None:
    detail = await visit.ask(show_replication, replication_id)
    return detail.replication.every


def _behind(found: History, promised: int | None) -> list[Series]:
    seen = [(one.at, _minutes(one.rpo_seconds)) for one in found.samples]
    lines = [Series(name=_("Behind"), points=seen)]
    if promised and seen:
        ends = (seen[0][0], seen[-1][0])
        lines.append(
            Series(name=_("Promised"), points=[(when, promised / _MINUTE) for when in ends])
        )
    return lines


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / _MINUTE, 2)


def _queue(found: History) -> list[Series]:
    points = [(one.at, round(one.queue_bytes / _MIB, 1)) for one in found.samples]
    return [Series(name=_("Queue"), points=points)]


def _work(visit: Visit, detail: ReplicationDetail) -> None:
    status, now = read_status(detail.status), visit.plane.clock.now()
    if status is None:
        ui.label(_("Its host has told nothing yet.")).classes("hf-muted")
        return
    shown.facts(
        [
            (_("Last success"), _moment(status.last_success_at, now)),
            (_("Newest application-consistent point"), _moment(status.latest_app_at, now)),
            (_("Cycles"), f"{status.cycles:,}"),
            (_("Missed"), f"{status.missed:,} ({status.missed_share:.0%})"),
            (_("Change logs"), _logs(status.mean_log_bytes, status.greatest_log_bytes)),
            (_("Waiting logs"), f"{status.queue_logs} · {shown.size(status.queue_bytes)}"),
            (_("Best that can be"), shown.duration(status.achievable_rpo_seconds)),
            (_("First copy or comparison"), _walk(status.walked_bytes, status.walk_bytes)),
            (_("Last error"), status.error_code or "-"),
        ]
    )
    if status.churn:
        shown.heading(_("What changes, by disk"), 3)
        shown.facts(
            [
                (
                    each.target,
                    _("{size}/s").format(size=shown.size(each.dirty_bytes_per_second)),
                )
                for each in status.churn
            ]
        )


def _logs(mean: float, greatest: int) -> str:
    return _("mean {mean}, greatest {greatest}").format(
        mean=shown.size(mean), greatest=shown.size(greatest)
    )


def _walk(done: int, whole: int) -> str:
    if not whole:
        return "-"
    return _("{done} of {whole}").format(done=shown.size(done), whole=shown.size(whole))


def _moment(when: datetime | None, now: datetime) -> str:
    return f"{shown.ago(when, now)} · {shown.when(when)}" if when else "-"


def _set(visit: Visit, detail: ReplicationDetail) -> None:
    show_settings(detail.settings)
    if read_settings(detail.settings) is not None:
        button = _button(visit, _("Change the settings"), lambda: change_settings(visit, detail))
        button.set_enabled(visit.may(Right.RUN_JOBS, detail.replication.vault_id))


def _happenings(detail: ReplicationDetail) -> None:
    status = read_status(detail.status)
    if status is None or not status.happenings:
        return
    head = (_("When"), _("What"), _("Why"), _("Size"))
    with shown.card(_("What happened")):
        plain_table(
            "happenings",
            head,
            [
                [
                    moment_cell(each.at, shown.when(each.at)),
                    Cell(what_text(each.what)),
                    Cell(": ".join(filter(None, (each.disk, why_text(each.why))))),
                    size_cell(each.bytes or None),
                ]
                for each in reversed(status.happenings[-_MOST_HAPPENINGS:])
            ],
        )
