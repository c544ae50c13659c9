"""A recovery plan as a picture: groups in their order, machines with what they need and how they are."""

from collections.abc import Sequence

from nicegui import ui

from holdfast.app.control.plan_checks import (
    PlanAction,
    PlanCheck,
    PlanGroup,
    PlanMachine,
    PlanPicture,
    PlanProblem,
)
from holdfast.base.texts import _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.thing_words import tone, word


def show_check(checked: PlanCheck) -> None:
    """What is wrong first; the picture where the text could be read."""
    if checked.problems:
        _problems(checked.problems)
    elif checked.picture is not None:
        with ui.element("div").classes("hf-notice hf-good"):
            ui.label(_("Nothing is wrong with the plan.")).classes("hf-strong")
    if checked.picture is not None:
        show_picture(checked.picture)


def show_picture(picture: PlanPicture) -> None:
    if picture.description:
        ui.label(picture.description).classes("hf-pre")
    if picture.rto:
        ui.label(
            _("Promised: all of it within {time}").format(time=shown.duration(picture.rto))
        ).classes("hf-muted")
    with ui.element("ol").classes("hf-stack").style("list-style:none;margin:0;padding:0"):
        for number, group in enumerate(picture.groups, 1):
            with ui.element("li"):
                _group(number, group)


def _problems(problems: Sequence[PlanProblem]) -> None:
    with ui.element("div").classes("hf-notice hf-bad").props("role=alert"):
        for one in problems:
            place = _("Line {line}").format(line=one.line) if one.line else _("The plan")
            ui.label(f"{place}: {one.problem}").classes("hf-strong")
            ui.label(one.cure)


def _group(number: int, group: PlanGroup) -> None:
    with ui.element("section").classes("hf-card"):
        with ui.element("div").classes("hf-row"):
            shown.heading(f"{number}. {group.name}", 3)
            if group.rto:
                ui.label(_("up within {time}").format(time=shown.duration(group.rto))).classes(
                    "hf-muted"
                )
            if group.at_once:
                ui.label(_("{count} at a time").format(count=group.at_once)).classes("hf-muted")
        _actions(group.pre)
        for machine in group.machines:
            _machine(machine)
        _actions(group.post)


def _machine(machine: PlanMachine) -> None:
    with ui.element("div").classes("hf-stack"):
        with ui.element("div").classes("hf-row"):
            ui.icon("desktop_windows").props("aria-hidden=true")
            shown.link(machine.vm, f"/recovery/{machine.vm}")
            if machine.stage:
                shown.chip(
                    word(words.STAGE, machine.stage), tone(words.STAGE, machine.stage) or "idle"
                )
            if not machine.replicated_to:
                shown.chip(_("Not replicated: it cannot be started"), "bad")
            else:
                ui.label(
                    _("{host} → {sites}, {time} behind").format(
                        host=machine.runs_on or "-",
                        sites=", ".join(machine.replicated_to),
                        time=shown.duration(machine.rpo_seconds),
                    )
                ).classes("hf-muted")
        said = list(_said(machine))
        if said:
            ui.label(" · ".join(said)).classes("hf-muted")
        _actions((*machine.pre, *machine.post))


def _said(machine: PlanMachine) -> Sequence[str]:
    said = []
    if machine.needs:
        said.append(_("after {machines}").format(machines=", ".join(machine.needs)))
    if machine.rto:
        said.append(_("up within {time}").format(time=shown.duration(machine.rto)))
    if machine.point != "latest":
        said.append(_("point: {point}").format(point=machine.point))
    if machine.checks:
        said.append(_("checks: {checks}").format(checks=", ".join(machine.checks)))
    if machine.networks:
        pairs = (f"{old}={new}" for old, new in machine.networks.items())
        said.append(_("networks: {networks}").format(networks=", ".join(pairs)))
    return said


def _actions(actions: Sequence[PlanAction]) -> None:
    for one in actions:
        with ui.element("div").classes("hf-row"):
            icon = "help" if one.kind == "confirm" else "terminal"
            ui.icon(icon).props("aria-hidden=true")
            ui.label(one.name).classes("hf-strong")
            ui.label(one.does).classes("hf-muted")
