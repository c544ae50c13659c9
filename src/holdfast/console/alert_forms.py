"""Forms about alerts: a place to send them to, and what is not to be sent for a while."""

from functools import partial

from nicegui import ui

from holdfast.app.control import alert_rules
from holdfast.app.control.alert_rules import NewSuppression, NewTarget, SuppressionView, TargetView
from holdfast.app.control.vaults import VaultFacts, list_vaults
from holdfast.base.texts import _
from holdfast.console.alert_words import severities
from holdfast.console.forms import Form
from holdfast.console.notices import say
from holdfast.console.spoken import NAMES
from holdfast.console.visiting import Visit
from holdfast.console.weekdays import weekdays
from holdfast.console.whole_lists import all_of
from holdfast.fleet.alerts import KINDS, kind_shown
from holdfast.server.notifying import check_target

_ALL = ""


async def add_target(visit: Visit) -> None:
    vaults = await _vaults(visit)

    text = _("The address may hold a password and is never shown again.")
    with Form(_("Add a target"), yes=_("Add it"), text=text) as form:
        name = _text(_("Name"))
        url = _text(_("Address, as apprise writes it"), is_secret=True)
        ui.label(
            _("For example mailtos://USER:PASSWORD@HOST, ntfy://TOPIC, json://HOST/PATH")
        ).classes("hf-muted hf-code")
        vault = _select(_("Vault"), vaults, _ALL)
        severity = _select(_("From severity"), severities(), "warning")
        lang = _select(_("Language"), NAMES, visit.lang)
        daily = ui.checkbox(_("A summary once a day as well"))
        weekly = _select(_("A summary of the week as well"), {_ALL: _("no"), **weekdays()}, _ALL)
        at, zone = _text(_("Summaries at"), "08:00"), _text(_("Time zone"), "UTC")

    async def add() -> TargetView:
        new = NewTarget(
            name=name.value.strip(),
            url=url.value.strip(),
            vault=vault.value or None,
            min_severity=severity.value,
            lang=lang.value,
            daily_summary=daily.value,
            summary_at=at.value.strip(),
            summary_zone=zone.value.strip(),
            weekly_on=weekly.value or None,
        )
        check = partial(check_target, refuses=visit.plane.webhooks.refuses)
        return await visit.ask(alert_rules.add_target, new, check=check)

    made = await form.done(visit, add)
    if made:
        say(_("Alerts go to {name} from now on").format(name=made.name))


async def add_silence(visit: Visit, *, kind: str = "", machine_id: str | None = None) -> None:
    vaults = await _vaults(visit)
    kinds = {_ALL: _("all"), **_kinds()}

    text = _("Such alerts are listed but not sent, from now on.")
    if machine_id is not None:
        text = _("Such alerts of this machine alone are listed but not sent, from now on.")
    with Form(_("Silence something"), yes=_("Silence it"), text=text) as form:
        reason = _text(_("Reason"))
        which = _select(_("Kind"), kinds, kind if kind in kinds else _ALL)
        vault = _select(_("Vault"), vaults, _ALL)
        hours = ui.number(_("For so many hours; empty: until it is ended"), value=8, min=0.1)
        hours.props("outlined dense")

    async def suppress() -> SuppressionView:
        new = NewSuppression(
            reason=reason.value.strip(),
            kind=which.value or None,
            vault=vault.value or None,
            machine_id=machine_id,
            hours=hours.value or None,
        )
        return await visit.ask(alert_rules.suppress, new)

    made = await form.done(visit, suppress)
    if made:
        say(_("Silenced"))


def _kinds() -> dict[str, str]:
    """Those that may be silenced, as they are called."""
    found = {code: kind_shown(code) for code, one in KINDS.items() if not one.is_security}
    return dict(sorted(found.items(), key=lambda one: one[1].casefold()))


async def _vaults(visit: Visit) -> dict[str, str]:
    found: list[VaultFacts] = await all_of(visit, list_vaults)
    return {_ALL: _("all")} | {one.id: one.name for one in found}


def _text(label: str, value: str = "", *, is_secret: bool = False) -> ui.input:
    box = ui.input(label, value=value, password=is_secret, password_toggle_button=is_secret)
    return box.props("outlined dense")


def _select(label: str, options: dict[str, str], value: str) -> ui.select:
    return ui.select(options, label=label, value=value).props("outlined dense")
