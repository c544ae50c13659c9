"""The report of one drill: what was started, what was looked at, what its screen showed."""

import base64
from collections.abc import Sequence

import msgspec
from nicegui import ui

from holdfast.app.control.drills import (
    DrillRunDetail,
    DrillRunView,
    show_picture,
    show_report,
    show_run,
)
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.charts import bar_chart
from holdfast.console.pages import page
from holdfast.console.thing_words import CONSISTENCY, tone, word
from holdfast.console.visiting import Visit
from holdfast.recovery.drills.drill import DrillRun
from holdfast.recovery.drills.wording import part_text
from holdfast.recovery.trial import Trial

_MOST_PARTS_IN_TREND = 24


@page("/drills/{run}", title=N_("Drill"), section="drills")
async def drill_page(visit: Visit, run: str) -> None:
    detail = await visit.ask(show_run, run)
    picture = await visit.ask(show_picture, run) if detail.has_picture else None
    told = msgspec.convert(detail.run, DrillRun)
    _head(visit, detail)
    _figures(detail.drill_run, told.trial)
    with ui.element("div").classes("hf-halves"):
        _facts(detail.drill_run, told.trial)
        _checks(told.trial)
    _screen(told.trial, picture)
    if told.trial.parts:
        with shown.card(_("How long each part took"), place="parts"):
            bars = [(part_text(one.name), one.seconds) for one in told.trial.parts]
            bar_chart(visit, title=_("Seconds of each part"), unit="s", bars=bars)
    _trend(visit, detail.past)


def _head(visit: Visit, detail: DrillRunDetail) -> None:
    one = detail.drill_run
    with ui.element("div").classes("hf-row"):
        shown.subject(one.name)
        shown.chip(word(words.VERDICT, one.verdict), tone(words.VERDICT, one.verdict) or "idle")
        ui.label(f"{shown.when(one.begun_at)} · {one.machine}").classes("hf-muted")
        ui.space()

        async def download() -> None:
            made = await visit.ask(show_report, one.id)
            ui.download.content(made.encode(), f"drill-{one.name}-{one.begun_at:%Y-%m-%d}.html")

        ui.button(_("Report as a page"), icon="download", on_click=visit.doing(download)).props(
            "outline no-caps color=primary"
        )
        shown.link(_("The machine"), f"/recovery/{one.vm}")
    if one.reason:
        colour = tone(words.VERDICT, one.verdict) or "idle"
        with ui.element("section").classes(f"hf-notice hf-{colour}"):
            ui.label(one.reason).classes("hf-strong hf-pre")


def _figures(one: DrillRunView, trial: Trial) -> None:
    times = "#parts" if trial.parts else "#checks"
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        _promise(_("Up and checked after"), one.seconds_to_up, one.rto_objective, times)
        _promise(_("Would have lost"), one.rpo_seconds, one.rpo_objective, "#started")
        consistency = word(CONSISTENCY, one.consistency or None)
        shown.figure(_("Consistency"), consistency, href="#started")


def _promise(label: str, seen: float | None, promised: float | None, href: str) -> None:
    text = shown.duration(seen)
    if promised is None:
        shown.figure(label, text, note=_("nothing was promised"), href=href)
        return
    is_kept = seen is not None and seen <= promised
    note = _("promised: {time}").format(time=shown.duration(promised))
    shown.figure(label, text, tone="good" if is_kept else "bad", note=note, href=href)


def _facts(one: DrillRunView, trial: Trial) -> None:
    with shown.card(_("What was started"), place="started"):
        networks = trial.promoted.networks if trial.promoted else {}
        shown.facts(
            [
                (_("Machine"), f"{one.name} ({one.vm})"),
                (_("Started as"), trial.trial_name or "-"),
                (_("Point"), one.generation or "-"),
                (_("Of"), shown.when(one.taken_at)),
                (_("Networks"), ", ".join(f"{a} → {b or '-'}" for a, b in networks.items()) or "-"),
                (_("Begun by"), one.who or "-"),
                (_("On a schedule"), _("yes") if one.is_scheduled else _("no")),
                (_("Ended"), shown.when(one.ended_at)),
                (_("Cleaned up"), shown.when(trial.cleaned_at)),
            ]
        )


def _checks(trial: Trial) -> None:
    with shown.card(_("What was looked at"), place="checks"):
        if not trial.checks:
            ui.label(_("Nothing: it did not come to that.")).classes("hf-muted")
        with ui.element("ul").classes("hf-steps"):
            for one in trial.checks:
                colour: shown.Tone = "good" if one.is_good else "bad"
                with ui.element("li"):
                    with ui.element("div").classes("hf-row"):
                        shown.chip(_("good") if one.is_good else _("bad"), colour)
                        ui.label(one.text).classes("hf-strong")
                        ui.label(shown.duration(one.seconds)).classes("hf-muted")
                    if one.said:
                        ui.label(one.said).classes("hf-muted hf-pre")


def _screen(trial: Trial, picture: bytes | None) -> None:
    with shown.card(_("Its screen")):
        if picture is None:
            ui.label(trial.picture_reason or _("There is no picture of it.")).classes("hf-muted")
            return
        alt = _("The screen of {name} as the drill saw it").format(name=trial.name)
        shot = ui.element("img").style("max-width:min(100%,720px);height:auto;border-radius:8px")
        shot.props["src"] = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        shot.props["alt"] = alt


def _trend(visit: Visit, past: Sequence[DrillRunView]) -> None:
    seen = [one for one in past if one.seconds_to_up is not None][-_MOST_PARTS_IN_TREND:]
    if len(seen) < 2:  # noqa: PLR2004  a trend has two ends
        return
    with shown.card(_("Drills so far")):
        bars = [(f"{one.begun_at:%m-%d %H:%M}", round(one.seconds_to_up or 0, 1)) for one in seen]
        bar_chart(visit, title=_("Seconds until it was up, of each drill"), unit="s", bars=bars)
