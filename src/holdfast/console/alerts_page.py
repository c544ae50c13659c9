"""Alerts: what is wrong, who is told of it, and what is silenced."""

from collections.abc import Sequence

from nicegui import ui

from holdfast.app.control.alert_rules import (
    AlertView,
    SuppressionView,
    TargetView,
    gravest_alerts,
    list_suppressions,
    list_targets,
)
from holdfast.app.control.vaults import list_vaults
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.alert_forms import add_silence, add_target
from holdfast.console.alert_words import (
    daily_text,
    severity_text,
    severity_tone,
    standing,
    weekly_text,
)
from holdfast.console.columns import ago_column
from holdfast.console.narrowed import narrowed
from holdfast.console.pages import page
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.visiting import Visit
from holdfast.fleet.alerts import kind_shown, kind_text
from holdfast.fleet.paging import MOST, Window
from holdfast.fleet.roles import Right

_SECONDS = 10.0


@page("/alerts", title=N_("Alerts"), section="alerts")
async def alerts_page(visit: Visit, state: str = "open", severity: str = "") -> None:
    """`state`: open, closed or all; `severity` as the API knows it."""
    alerts = await _alerts(visit, state, severity)
    target_button = _head(visit, _("Where alerts go"), _("Add a target"), Right.CHANGE_PROTECTION)
    targets = await _targets(visit)
    silence_button = _head(visit, _("Silenced"), _("Silence something"), Right.HANDLE_ALERTS)
    silences = await _silences(visit)

    async def target() -> None:
        await add_target(visit)
        await targets.refresh()

    async def silence() -> None:
        await add_silence(visit)
        await silences.refresh()

    target_button.on_click(visit.doing(target))
    silence_button.on_click(visit.doing(silence))
    visit.every(_SECONDS, alerts.refresh)


def _head(visit: Visit, title: str, text: str, right: Right) -> ui.button:
    with ui.element("div").classes("hf-row"):
        shown.heading(title)
        ui.space()
        button = ui.button(text, icon="add").props("outline no-caps color=primary")
        button.set_enabled(visit.may_anywhere(right))
    return button


async def _alerts(visit: Visit, state: str, severity: str) -> Listing[AlertView]:
    wanted = severity if severity in _SEVERITIES else None

    async def load() -> Sequence[AlertView]:
        is_open = {"open": True, "closed": False}.get(state)
        found = await visit.ask(gravest_alerts, MOST, is_open=is_open, severity=wanted)
        told.set_text(_told(len(found.alerts), found.count))
        return found.alerts

    chosen = {"severity": severity_text(wanted)} if wanted else {}
    with ui.element("div").classes("hf-row").props("role=group"):
        for name, text in (("open", _("Open")), ("closed", _("Closed")), ("all", _("All"))):
            link = shown.link(text, f"/alerts?state={name}")
            if name == state:
                link.props("aria-current=page").classes("hf-strong")
    if wanted:
        narrowed(_("Only those of one severity are shown."), f"/alerts?state={state}")
    told = ui.label().classes("hf-muted")
    listing = Listing(
        visit,
        name="alerts",
        columns=_alert_columns(visit),
        load=load,
        empty=Empty(
            title=_("No alert is open") if state == "open" else _("No alert"),
            text=_(
                "What is wrong shows here, one alert for one cause however often it is seen, and "
                "goes to the targets below. It closes by itself when its cause is gone."
            ),
        ),
        choices=[
            Choice(
                name="severity", label=_("Severity"), value=lambda one: severity_text(one.severity)
            ),
            Choice(name="kind", label=_("Kind"), value=lambda one: kind_text(one.kind)),
        ],
        # In the order they come in: the gravest first.
        wish=Wish(chosen=chosen),
    )
    await listing.show()
    return listing


def _told(listed: int, count: int) -> str:
    if listed >= count:
        return ""
    text = _("The gravest {listed} of {count} alerts are listed; the API and the CLI list all.")
    return text.format(listed=f"{listed:,}", count=f"{count:,}")


def _alert_columns(visit: Visit) -> list[Column[AlertView]]:
    return [
        Column(
            name="severity",
            label=_("Severity"),
            value=lambda one: severity_text(one.severity),
            tone=lambda one: severity_tone(one.severity),
        ),
        Column(
            name="alert",
            label=_("Alert"),
            value=lambda one: one.sentence,
            href=lambda one: f"/alerts/{one.id}",
        ),
        ago_column("since", _("First seen"), lambda one: one.first_at, visit.plane.clock),
        Column(name="count", label=_("Times"), value=lambda one: one.count, is_number=True),
        Column(name="state", label=_("State"), value=standing),
        Column(
            name="kind",
            label=_("Kind"),
            value=lambda one: one.kind,
            text=lambda one: kind_shown(one.kind),
            is_minor=True,
        ),
    ]


async def _targets(visit: Visit) -> Listing[TargetView]:
    names = await _vault_names(visit)

    async def load() -> Sequence[TargetView]:
        return await visit.ask(list_targets)

    listing = Listing(
        visit,
        name="alert-targets",
        columns=[
            Column(
                name="name",
                label=_("Name"),
                value=lambda one: one.name,
                href=lambda one: f"/alert-targets/{one.id}",
            ),
            Column(name="scheme", label=_("Kind"), value=lambda one: one.scheme),
            Column(name="vault", label=_("Vault"), value=lambda one: _vault(names, one.vault_id)),
            Column(
                name="severity",
                label=_("From severity"),
                value=lambda one: severity_text(one.min_severity),
            ),
            Column(name="summary", label=_("Daily summary"), value=daily_text),
            Column(name="weekly", label=_("Weekly summary"), value=weekly_text),
        ],
        load=load,
        empty=Empty(
            title=_("Nobody is told yet"),
            text=_(
                "Add a target, so that alerts reach you by mail, chat, telephone or webhook, "
                "and a summary each morning says that all is well."
            ),
        ),
    )
    await listing.show()
    return listing


async def _silences(visit: Visit) -> Listing[SuppressionView]:
    names, now = await _vault_names(visit), visit.plane.clock.now

    async def load() -> Sequence[SuppressionView]:
        return await visit.ask(list_suppressions)

    listing = Listing(
        visit,
        name="silences",
        columns=[
            Column(
                name="reason",
                label=_("Reason"),
                value=lambda one: one.reason,
                href=lambda one: f"/alert-silences/{one.id}",
            ),
            Column(
                name="kind",
                label=_("Kind"),
                value=lambda one: one.kind or _("all"),
                text=lambda one: kind_shown(one.kind) if one.kind else _("all"),
            ),
            Column(name="vault", label=_("Vault"), value=lambda one: _vault(names, one.vault_id)),
            Column(
                name="machine",
                label=_("Machine"),
                value=lambda one: one.machine or one.machine_id or _("all"),
                href=lambda one: f"/machines/{one.machine_id}" if one.machine_id else None,
            ),
            Column(name="by", label=_("By"), value=lambda one: one.made_by),
            Column(
                name="until",
                label=_("Until"),
                value=lambda one: one.until,
                text=lambda one: shown.ago(one.until, now()) if one.until else _("it is ended"),
            ),
        ],
        load=load,
        empty=Empty(
            title=_("Nothing is silenced"),
            text=_(
                "While you work on something you can keep its alerts from being sent; they are "
                "listed here all the same. Alerts about security are always sent."
            ),
        ),
    )
    await listing.show()
    return listing


async def _vault_names(visit: Visit) -> dict[str, str]:
    found = await visit.ask(list_vaults, Window(limit=MOST), with_deleted=True)
    return {one.id: one.name for one in found.items}


def _vault(names: dict[str, str], vault_id: str | None) -> str:
    return names.get(vault_id, vault_id) if vault_id else _("all")


_SEVERITIES = ("info", "warning", "error", "critical")
