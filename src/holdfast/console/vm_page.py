"""One virtual machine: whether it is safe, what its points are worth, what can be done about it."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from holdfast.app.control.assignments import AssignmentView, list_assignments
from holdfast.app.control.safety_views import SafetyView, safety_of
from holdfast.app.control.vms import HostedVm, show_vm
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.machine_work import newest_points, recent_jobs
from holdfast.console.orders import order
from holdfast.console.pages import page
from holdfast.console.panels import Panel, acting
from holdfast.console.safety_shown import speaks_against
from holdfast.console.thing_words import (
    CONSISTENCY,
    EXTENT,
    RUN_STATE,
    SAFETY,
    Words,
    proven_text,
    word,
    word_chip,
)
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.jobs import Kind
from holdfast.fleet.roles import Right
from holdfast.fleet.virtual_machines import ALL, source_of_vm

_EVERY = 10.0
Seen = tuple[HostedVm, SafetyView | None, list[AssignmentView]]


@page("/vms/{machine_id}/{uuid}", title=N_("Virtual machine"), section="vms")
async def vm_page(visit: Visit, machine_id: str, uuid: str) -> None:
    async def load() -> Seen:
        found = await visit.ask(show_vm, machine_id, uuid)
        safety = await visit.ask(safety_of, machine_id, uuid)
        assigned = await all_of(visit, list_assignments, machine=machine_id)
        covering = [one for one in assigned if ALL in one.vms or found.vm.name in one.vms]
        return found, safety, covering

    def draw(seen: Seen) -> None:
        found, safety, assigned = seen
        _head(visit, found, safety)
        with ui.element("div").classes("hf-halves"):
            _facts(visit, found, safety)
            _policies(visit, found, assigned)

    panel = Panel(load, draw)
    await panel.refresh()
    visit.every(_EVERY, panel.refresh)
    found = await visit.ask(show_vm, machine_id, uuid)
    with ui.element("div").classes("hf-halves"):
        await newest_points(visit, machine_id, vm=uuid)
        await recent_jobs(visit, machine_id, source=source_of_vm(found.vm.name))


def _head(visit: Visit, found: HostedVm, safety: SafetyView | None) -> None:
    vm = found.vm
    with ui.element("div").classes("hf-row"):
        shown.subject(vm.name)
        if safety:
            word_chip(SAFETY, safety.safety)
        word_chip(RUN_STATE, vm.state)
        ui.space()
        _buttons(visit, found)
    speaks_against(safety)


def _buttons(visit: Visit, found: HostedVm) -> None:
    vm = found.vm
    if vm.point_at is not None and visit.may(Right.RESTORE, found.vault_id):
        target = f"/restore?machine={found.machine_id}&vm={vm.uuid}"
        with ui.link(target=target).classes("hf-button hf-button-main"):
            ui.label(_("Restore"))
    if found.machine_state != "active" or not visit.may(Right.RUN_JOBS, found.vault_id):
        return

    async def back_up() -> None:
        await order(visit, found.machine_id, Kind.BACKUP, vms=[vm.name])

    async def protect() -> None:
        await _protect(visit, found)

    async def unprotect() -> None:
        await _unprotect(visit, found)

    if vm.protected_since is None:
        _button(visit, _("Protect it"), protect)
        return
    _button(visit, _("Back up now"), back_up)
    if visit.may(Right.CHANGE_POLICIES, found.vault_id):
        _button(visit, _("End its protection"), unprotect)


def _button(visit: Visit, label: str, act: Callable[[], Awaitable[None]]) -> None:
    ui.button(label, on_click=acting(visit, act)).props("outline no-caps color=primary")


async def _protect(visit: Visit, found: HostedVm) -> None:
    is_sure = await confirm(
        _("Protect {vm}").format(vm=found.vm.name),
        _(
            "Its host looks at its disks and guest, sets up change tracking and the guest "
            "extension, and says on the job's page what class its points can have. Nothing of the "
            "machine is stopped."
        ),
        yes=_("Protect it"),
    )
    if is_sure:
        await order(visit, found.machine_id, Kind.PROTECT, vm=found.vm.name)


async def _unprotect(visit: Visit, found: HostedVm) -> None:
    is_sure = await confirm(
        _("End the protection of {vm}").format(vm=found.vm.name),
        _("Its host tracks its changes no more, and it is backed up no more. Its points stay."),
        yes=_("End it"),
        is_dangerous=True,
    )
    if is_sure:
        await order(visit, found.machine_id, Kind.UNPROTECT, vm=found.vm.name)


def _facts(visit: Visit, found: HostedVm, safety: SafetyView | None) -> None:
    vm, now = found.vm, visit.plane.clock.now()
    sites = safety.sites if safety else []
    with shown.card():
        shown.facts(
            [
                (_("Host"), found.machine, f"/machines/{found.machine_id}"),
                (_("UUID"), vm.uuid),
                (_("Can be protected"), word(EXTENT, vm.protectable)),
                (_("Best class now"), word(CONSISTENCY, vm.consistency)),
                (_("Protected since"), shown.when(vm.protected_since)),
                (_("Newest point"), shown.ago(vm.point_at, now), _points(found)),
                (_("Its class"), word(CONSISTENCY, vm.point_class)),
                (_("Shown to come back"), proven_text(safety, now)),
                (
                    _("Replicated to"),
                    ", ".join(sites) or "-",
                    f"/sites/{sites[0]}" if sites else "",
                ),
                (_("Seen"), shown.ago(vm.told_at, now)),
            ]
        )
        _legend(CONSISTENCY, vm.point_class or vm.consistency)
        for code in vm.remarks:
            with ui.element("div").classes("hf-row"):
                ui.label(_("Remark:")).classes("hf-muted")
                shown.link(code, f"/doctor?code={code}")


def _points(found: HostedVm) -> str:
    where = f"/points?machine={found.machine_id}&vm={found.vm.uuid}"
    return where if found.vm.point_at else ""


def _legend(words: Words, value: str | None) -> None:
    said = {
        "application": _("Application: its programs wrote down what they held before each point."),
        "filesystem": _("File system: its file systems were frozen and are clean in each point."),
        "crash": _(
            "Crash: each point is as after a power cut; programs repair it when they start."
        ),
    }
    if value in words and value in said:
        ui.label(said[value]).classes("hf-muted")


def _policies(visit: Visit, found: HostedVm, assigned: list[AssignmentView]) -> None:
    now = visit.plane.clock.now()
    with shown.card(_("Backed up by")):
        if not assigned:
            ui.label(
                _("No policy names it, so nothing backs it up by itself. Assign one at its host.")
            ).classes("hf-muted")
        for one in assigned:
            with ui.element("div").classes("hf-row hf-item"):
                shown.link(one.policy, f"/policies/{one.policy_id}")
                if one.next_runs:
                    when = shown.ago(one.next_runs[0], now)
                    ui.label(_("next run {when}").format(when=when)).classes("hf-muted")
                if one.is_paused:
                    shown.chip(_("Paused"), "warn")
        shown.link(_("To its host"), f"/machines/{found.machine_id}")
        shown.link(_("Replication from its host"), f"/replications?machine={found.machine_id}")
