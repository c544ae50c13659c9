"""Which policy holds for what of a machine: assigned, paused, run at once, ended."""

from nicegui import ui

from holdfast.app.control.assignments import (
    AssignmentView,
    Change,
    attach,
    change_assignment,
    detach,
    list_assignments,
)
from holdfast.app.control.machine_views import MachineView, show_machine
from holdfast.app.control.policies import PolicyView, list_policies
from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.asking import confirm, with_pin
from holdfast.console.assignment_form import (
    LABELS,
    Boxes,
    change_of,
    fields_of,
    named,
    options_of,
)
from holdfast.console.forms import Form
from holdfast.console.notices import say
from holdfast.console.orders import order
from holdfast.console.panels import Panel, acting
from holdfast.console.settings_changes import Changes
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.jobs import Kind
from holdfast.fleet.roles import Right
from holdfast.fleet.virtual_machines import sources_text

_EVERY = 15.0
Found = tuple[MachineView, list[AssignmentView], list[PolicyView]]


async def protection(visit: Visit, machine_id: str) -> None:
    card = _Protection(visit, machine_id)
    await card.panel.refresh()
    visit.every(_EVERY, card.panel.refresh)


class _Protection:
    def __init__(self, visit: Visit, machine_id: str) -> None:
        self._visit, self._machine_id = visit, machine_id
        self.panel: Panel[Found] = Panel(self._load, self._draw)

    async def _load(self) -> Found:
        machine = await self._visit.ask(show_machine, self._machine_id)
        assigned = await all_of(self._visit, list_assignments, machine=machine.id)
        policies = await all_of(self._visit, list_policies, machine.vault_id)
        return machine, assigned, policies

    def _draw(self, found: Found) -> None:
        machine, assigned, policies = found
        may = self._visit.may(Right.CHANGE_POLICIES, machine.vault_id)
        with shown.card():
            with ui.element("div").classes("hf-row"):
                shown.heading(_("What is protected"))
                ui.space()
                if may and machine.state == "active":
                    ui.button(
                        _("Assign a policy"),
                        icon="add",
                        on_click=acting(self._visit, lambda: self._assign(machine, policies)),
                    ).props("outline no-caps color=primary")
            if not assigned:
                self._teach(machine, policies)
            for one in assigned:
                self._line(machine, one, policies if may else None)

    def _teach(self, machine: MachineView, policies: list[PolicyView]) -> None:
        ui.label(
            _(
                "Nothing of this machine is backed up by the server yet. A policy says when and "
                "how long points are kept; assigned to folders, it protects them."
            )
        ).classes("hf-muted")
        if not policies:
            shown.link(_("Make the first policy"), f"/policies/new?vault={machine.vault_id}")

    def _line(
        self, machine: MachineView, one: AssignmentView, policies: list[PolicyView] | None
    ) -> None:
        """`policies` are those it could be changed to; None: it may not be changed."""
        with ui.element("div").classes("hf-row hf-item"):
            with ui.element("div").classes("hf-stack hf-grow"):
                ui.label(sources_text(one.paths, one.vms)).classes("hf-strong")
                if one.options.get("excludes"):
                    left_out = ", ".join(one.options["excludes"])
                    ui.label(_("without {patterns}").format(patterns=left_out)).classes("hf-muted")
                with ui.element("div").classes("hf-row hf-muted"):
                    shown.link(one.policy, f"/policies/{one.policy_id}")
                    ui.label(self._next(one))
                    if one.is_paused:
                        shown.chip(_("Paused"), "warn")
            if machine.state == "active" and self._visit.may(Right.RUN_JOBS, machine.vault_id):
                self._button(_("Back up now"), lambda: self._back_up(one))
            if policies is not None:
                self._button(_("Resume") if one.is_paused else _("Pause"), lambda: self._turn(one))
                self._button(_("Change"), lambda: self._change(one, policies))
                self._button(_("End"), lambda: self._end(one))

    def _button(self, label: str, act: object) -> None:
        assert callable(act)
        ui.button(label, on_click=acting(self._visit, act)).props("flat dense no-caps")

    def _next(self, one: AssignmentView) -> str:
        if not one.next_runs:
            return _("no run is planned")
        now = self._visit.plane.clock.now()
        return _("next run {when}").format(when=shown.ago(one.next_runs[0], now))

    async def _back_up(self, one: AssignmentView) -> None:
        await order(self._visit, self._machine_id, Kind.BACKUP, assignment=one.id)

    async def _turn(self, one: AssignmentView) -> None:
        change = Change(is_paused=not one.is_paused)
        await self._visit.ask(change_assignment, one.id, change)
        await self.panel.refresh()

    async def _end(self, one: AssignmentView) -> None:
        is_sure = await confirm(
            _("End this protection"),
            _(
                "{sources} is backed up no more by {policy}. Its recovery points stay, and no "
                "policy makes them go any more."
            ).format(sources=sources_text(one.paths, one.vms), policy=one.policy),
            yes=_("End it"),
            is_dangerous=True,
        )
        if is_sure:
            await self._visit.ask(detach, one.id)
            say(_("The protection has ended; the recovery points stay"))
            await self.panel.refresh()

    async def _assign(self, machine: MachineView, policies: list[PolicyView]) -> None:
        with Form(_("Assign a policy"), yes=_("Assign")) as form:
            if not policies:
                ui.label(_("This vault has no policy yet: make one first."))
            boxes = Boxes(policies)
        form.go.set_enabled(bool(policies))

        async def assign() -> AssignmentView:
            wanted = boxes.read()
            return await self._visit.ask(
                attach,
                machine.id,
                policy_id=wanted["policy"],
                paths=wanted["paths"],
                vms=wanted["vms"],
                options=options_of(wanted),
            )

        if await form.done(self._visit, assign) is not None:
            say(_("The policy is assigned; its agent hears of it at its next heartbeat"))
            await self.panel.refresh()

    async def _change(self, one: AssignmentView, policies: list[PolicyView]) -> None:
        now = fields_of(one)
        text = _("Its recovery points stay its own. Its agent hears of it at its next heartbeat.")
        with Form(_("Change what is protected"), yes=_("Change it"), text=text) as form:
            boxes = Boxes(policies, now)
            labels = {name: _(label) for name, label in LABELS.items()}
            changes = Changes(
                form, labels, lambda: (named(now, policies), named(boxes.read(), policies))
            )
        changes.watch(self._visit, *boxes.all)

        async def change() -> AssignmentView:
            wish = change_of(now, boxes.read())
            # A policy that keeps less asks who they are, and maybe a second person.
            made = await with_pin(
                self._visit, lambda visit: visit.ask(change_assignment, one.id, wish)
            )
            return made or one

        if await form.done(self._visit, change) is not None:
            await self.panel.refresh()
