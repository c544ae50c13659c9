"""A recovery plan as a picture: groups in their order, machines with what they need and how they are."""

from collections.abc import Mapping, Sequence

from nicegui import ui

from holdfast.app.control.plan_checks import (
    PlanAction,
    PlanCheck,
    PlanGroup,
    PlanMachine,
    PlanPicture,
    PlanProblem,
)
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.plans_page import KINDS
from holdfast.console.thing_words import tone, word


def show_check(checked: PlanCheck) -> None:
    """What is wrong first, then what a run would lack; the picture where the text could be read."""
    if checked.problems:
        _problems(checked.problems, "hf-bad")
    elif checked.missing:
        _problems(checked.missing, "hf-warn")
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


def _problems(problems: Sequence[PlanProblem], colour: str) -> None:
    with ui.element("div").classes(f"hf-notice {colour}").props("role=alert"):
        for one in problems:
            place = _("Line {line}").format(line=one.line) if one.line else _("The plan")
            ui.label(f"{place}: {one.problem}").classes("hf-strong")
            shown.prose(one.cure)


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
            ui.label(" · ".join(said)).classes("hf-muted hf-pre")
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
    if networks := _pairs(machine.networks):
        said.append(_("networks: {networks}").format(networks=networks))
    if machine.addresses:
        said.append(_("addresses: {addresses}").format(addresses=_listed(machine.addresses)))
    if networks := _pairs(machine.test_networks):
        said.append(_("networks in tests: {networks}").format(networks=networks))
    if machine.test_addresses:
        addresses = _listed(machine.test_addresses)
        said.append(_("addresses in tests: {addresses}").format(addresses=addresses))
    return said


def _pairs(networks: Mapping[str, str]) -> str:
    return _listed([f"{old}={new}" for old, new in networks.items()])


def _listed(said: Sequence[str]) -> str:
    """An address may bring others with it, with commas."""
    return "; ".join(said)


def _actions(actions: Sequence[PlanAction]) -> None:
    for one in actions:
        with ui.element("div").classes("hf-row"):
            ui.icon(_ICONS.get(one.kind, "terminal")).props("aria-hidden=true")
            ui.label(one.name).classes("hf-strong")
            ui.label(" · ".join(_said_of(one))).classes("hf-muted hf-pre")


def _said_of(action: PlanAction) -> Sequence[str]:
    text = _(_DOES[action.kind]) if action.kind in _DOES else ""
    said = [text.format(host=action.host, name=action.does)] if text else []
    if action.kind == "host-script" and action.host:
        said = [_("script of {host}: {name}").format(host=action.host, name=action.does)]
    if action.kind in ("confirm", "script", "guest-script") and action.does != action.name:
        said.append(action.does)
    if len(action.only) < len(KINDS):
        kinds = ", ".join(_(KINDS[kind]) for kind in action.only)
        said.append(_("only: {kinds}").format(kinds=kinds))
    return said


_ICONS = {"confirm": "help", "webhook": "send", "guest-script": "desktop_windows"}
_DOES = {
    "host-script": N_("script of its host: {name}"),
    "guest-script": N_("in its guest"),
    "webhook": N_("the server tells a webhook"),
    "confirm": N_("a person is asked"),
}
