"""One machine: whether it is safe, what is protected of it, and what can be done about it."""

from nicegui import ui

from holdfast.app.control.machine_views import MachineView, show_machine
from holdfast.app.control.safety_views import SafetyView, safety_of
from holdfast.base.texts import N_, _
from holdfast.console import machine_acts, shown
from holdfast.console.machine_keeping import keeping
from holdfast.console.machine_protection import protection
from holdfast.console.machine_work import newest_points, recent_jobs
from holdfast.console.orders import order
from holdfast.console.pages import page
from holdfast.console.panels import Panel, acting
from holdfast.console.safety_shown import speaks_against
from holdfast.console.thing_words import HEALTH, SAFETY, proven_text, word_chip
from holdfast.console.visiting import Visit
from holdfast.console.vms_page import vm_listing
from holdfast.console.whole_lists import vault_names
from holdfast.fleet.jobs import Kind
from holdfast.fleet.roles import Right

_EVERY = 10.0
Seen = tuple[MachineView, SafetyView | None, str]


@page("/machines/{machine_id}", title=N_("Machine"), section="machines")
async def machine_page(visit: Visit, machine_id: str) -> None:
    async def load() -> Seen:
        machine = await visit.ask(show_machine, machine_id)
        safety = await visit.ask(safety_of, machine.id)
        return machine, safety, (await vault_names(visit)).get(machine.vault_id, machine.vault_id)

    def draw(seen: Seen) -> None:
        machine, safety, vault = seen
        _head(visit, machine, safety, refresh=panel.refresh)
        _facts(visit, machine, safety, vault=vault)

    panel = Panel(load, draw)
    await panel.refresh()
    visit.every(_EVERY, panel.refresh)
    await protection(visit, machine_id)
    with ui.element("div").classes("hf-halves"):
        await newest_points(visit, machine_id)
        await recent_jobs(visit, machine_id)
    await vm_listing(visit, machine=machine_id)
    await keeping(visit, machine_id)


def _head(
    visit: Visit, machine: MachineView, safety: SafetyView | None, *, refresh: machine_acts.Refresh
) -> None:
    with ui.element("div").classes("hf-row"):
        shown.subject(machine.name)
        if safety:
            word_chip(SAFETY, safety.safety)
        word_chip(HEALTH, machine.health)
        ui.space()
        _buttons(visit, machine, refresh=refresh)
    speaks_against(safety)


def _buttons(visit: Visit, machine: MachineView, *, refresh: machine_acts.Refresh) -> None:
    is_active = machine.state == "active"
    if machine.points and visit.may(Right.RESTORE, machine.vault_id):
        with ui.link(target=f"/restore?machine={machine.id}").classes("hf-button hf-button-main"):
            ui.label(_("Restore"))
    if is_active and visit.may(Right.RUN_JOBS, machine.vault_id):
        ui.button(
            _("Check now"),
            on_click=acting(visit, lambda: order(visit, machine.id, Kind.CHECK)),
        ).props("outline no-caps color=primary")
    machine_acts.menu(visit, machine, refresh=refresh)


def _facts(visit: Visit, machine: MachineView, safety: SafetyView | None, *, vault: str) -> None:
    now = visit.plane.clock.now()
    system = machine.facts.get("system") or {}
    with shown.card():
        shown.facts(
            [
                (_("Vault"), vault, f"/vaults/{machine.vault_id}"),
                (_("Id"), machine.id),
                (_("System"), str(system.get("name") or "-")),
                (_("Agent"), machine.agent_version or "-"),
                (_("Last heard"), shown.ago(machine.last_seen_at, now)),
                (_("Newest point"), shown.ago(machine.newest_point, now), _points(machine)),
                (_("Shown to come back"), proven_text(safety, now)),
                (_("Stored"), _stored(machine)),
                (_("Speed limit"), _rate(machine.limit_rate)),
                (_("Certificate until"), shown.when(machine.certificate_ends)),
                *_deletion(machine),
            ]
        ).classes("hf-facts-wide")


def _points(machine: MachineView) -> str:
    return f"/points?machine={machine.id}" if machine.newest_point else ""


def _stored(machine: MachineView) -> str:
    used = _("{size} in {files} files").format(
        size=shown.size(machine.bytes_stored), files=machine.files_stored
    )
    if machine.quota_bytes is None:
        return used
    return _("{used}, of {quota} at most").format(used=used, quota=shown.size(machine.quota_bytes))


def _rate(limit: int | None) -> str:
    return _("{size} a second").format(size=shown.size(limit)) if limit else _("none")


def _deletion(machine: MachineView) -> list[tuple[str, str]]:
    if machine.purge_at is None:
        return []
    return [(_("Gone for good at"), shown.when(machine.purge_at))]
