"""One alert, one place alerts go to, one silence: what it is, and what can be done with it."""

from urllib.parse import quote

from nicegui import ui

from holdfast.app.control import alert_rules
from holdfast.app.control.alert_rules import AlertView
from holdfast.app.control.errors import NotThere
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.alert_forms import add_silence
from holdfast.console.alert_words import (
    daily_text,
    severity_text,
    severity_tone,
    standing,
    weekly_text,
)
from holdfast.console.asking import confirm
from holdfast.console.job_parts import as_told
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.visiting import Visit
from holdfast.fleet.alerts import KINDS, kind_shown
from holdfast.fleet.roles import Right
from holdfast.server.notifying import sender


@page("/alerts/{alert_id}", title=N_("Alert"), section="alerts")
async def alert_page(visit: Visit, alert_id: str) -> None:
    alert = await visit.ask(alert_rules.show_alert, alert_id)
    shown.name_tab(alert.sentence)
    with ui.element("div").classes("hf-row"):
        shown.chip(severity_text(alert.severity), severity_tone(alert.severity))
        shown.chip(standing(alert), "idle" if alert.closed_at else "busy")
        ui.space()
        _acts(visit, alert)
    with ui.element("section").classes(f"hf-notice hf-{severity_tone(alert.severity)}"):
        ui.label(alert.sentence).classes("hf-strong")
        if alert.remedy:
            shown.prose(alert.remedy).classes("hf-pre")
    with shown.card(_("Facts")):
        _facts(alert)
        _links(alert)
        as_told(_("All of it, as the API tells it"), alert.fields)


def _facts(alert: AlertView) -> None:
    shown.facts(
        [
            (_("Kind"), kind_shown(alert.kind)),
            (_("First seen"), shown.when(alert.first_at)),
            *_again(alert),
            (_("Sent"), shown.when(alert.sent_at) if alert.sent_at else _("no")),
            (_("Closed"), shown.when(alert.closed_at) if alert.closed_at else _("no")),
        ]
    )


def _again(alert: AlertView) -> list[tuple[str, str]]:
    """What stands as it did is not counted each time that somebody looks."""
    if alert.count == 1:
        return []
    return [(_("Last seen"), shown.when(alert.last_at)), (_("Times"), str(alert.count))]


def _links(alert: AlertView) -> None:
    """To what it is about."""
    found = [
        (_("The machine"), "/machines/{}", alert.machine_id),
        (_("The job"), "/jobs/{}", alert.fields.get("job_id")),
        (_("The vault"), "/vaults/{}", alert.vault_id),
        (_("Its jobs"), "/jobs?machine={}", alert.machine_id),
        (_("Ask the doctor about it"), "/doctor?code={}", alert.fields.get("error")),
    ]
    with ui.element("div").classes("hf-row"):
        for text, place, known in found:
            if known:
                shown.link(text, place.format(quote(str(known), safe="")))


def _acts(visit: Visit, alert: AlertView) -> None:
    may = visit.may(Right.HANDLE_ALERTS, alert.vault_id)

    async def close() -> None:
        await visit.ask(alert_rules.close_alert, alert.id)
        ui.navigate.to("/alerts")

    async def silence() -> None:
        await add_silence(visit, kind=alert.kind, machine_id=alert.machine_id)

    kind = KINDS.get(alert.kind)
    if kind is not None and not kind.is_security:
        button = ui.button(_("Silence its kind"), on_click=visit.doing(silence))
        button.props("outline no-caps color=primary").set_enabled(may)
    if alert.closed_at is None:
        button = ui.button(_("Close it: seen to"), on_click=visit.doing(close))
        button.props("unelevated no-caps color=primary").set_enabled(may)


@page("/alert-targets/{target_id}", title=N_("Where alerts go"), section="alerts")
async def target_page(visit: Visit, target_id: str) -> None:
    targets = await visit.ask(alert_rules.list_targets)
    target = next((one for one in targets if one.id == target_id), None)
    if target is None:
        raise NotThere(what=_("alert target"), name=target_id)
    shown.name_tab(target.name)

    send = sender(visit.plane.webhooks.refuses)

    async def test() -> None:
        await visit.ask(alert_rules.test_target, target_id, send=send)
        say(_("{name} took a test message").format(name=target.name))

    async def remove() -> None:
        title = _("Send no more alerts to {name}?").format(name=target.name)
        if await confirm(title, _("Its address is forgotten."), yes=_("Remove it")):
            await visit.ask(alert_rules.remove_target, target_id, send=send)
            ui.navigate.to("/alerts")

    with shown.card(target.name):
        shown.facts(
            [
                (_("Kind"), target.scheme),
                (_("From severity"), severity_text(target.min_severity)),
                (_("Language"), target.lang),
                (_("Daily summary"), daily_text(target)),
                (_("Weekly summary"), weekly_text(target)),
            ]
        )
        with ui.element("div").classes("hf-row"):
            button = ui.button(_("Send a test message"), on_click=visit.doing(test))
            button.props("unelevated no-caps color=primary")
            button.set_enabled(visit.may(Right.HANDLE_ALERTS, target.vault_id))
            button = ui.button(_("Remove it"), on_click=visit.doing(remove))
            button.props("outline no-caps color=primary")
            button.set_enabled(visit.may(Right.CHANGE_PROTECTION, target.vault_id))


@page("/alert-silences/{rule_id}", title=N_("Silenced"), section="alerts")
async def silence_page(visit: Visit, rule_id: str) -> None:
    rules = await visit.ask(alert_rules.list_suppressions)
    rule = next((one for one in rules if one.id == rule_id), None)
    if rule is None:
        raise NotThere(what=_("suppression"), name=rule_id)
    shown.name_tab(rule.reason)

    async def end() -> None:
        await visit.ask(alert_rules.end_suppression, rule_id)
        ui.navigate.to("/alerts")

    with shown.card(rule.reason):
        shown.facts(
            [
                (_("Kind"), kind_shown(rule.kind) if rule.kind else _("all")),
                (_("Machine"), rule.machine or rule.machine_id or _("all")),
                (_("By"), rule.made_by),
                (_("Until"), shown.when(rule.until) if rule.until else _("it is ended")),
            ]
        )
        button = ui.button(_("End it: send such alerts again"), on_click=visit.doing(end))
        button.props("unelevated no-caps color=primary")
        button.set_enabled(visit.may(Right.HANDLE_ALERTS, rule.vault_id))
