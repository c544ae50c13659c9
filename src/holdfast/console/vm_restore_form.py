"""A virtual machine out of a recovery point: as a new one, in place, or its disks as files.

Whatever is chosen, its host is asked what would come of it, before anything is ordered.
"""

from nicegui import ui

from holdfast.app.control.restoring import VmRestoreWanted, order_vm_restore, plan_vm_restore
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.looking import Look
from holdfast.console.notices import problem
from holdfast.console.vm_restore_choices import VmChoices
from holdfast.fleet.questions import Obstacle, VmPlan
from holdfast.fleet.roles import Right
from holdfast.server.nudging import nudge

_NEW, _IN_PLACE, _DISKS = "new", "in-place", "disks"
_AS_IT_WAS = ""
# After the last key, so that not every letter of a name is asked about.
_STILL = 0.6
# Where the remedy of the command line is another than that of this page.
_HERE = {
    "vm-exists": N_("Choose another name, or without the UUID of the old machine."),
    "vm-image-exists": N_("Choose another name or another folder."),
    "vm-restore-no-room": N_("Free space there, or choose another folder or fewer disks."),
    "vm-not-off": N_("Shut it down and look again, or bring it back as a new machine."),
    "vm-is-another": N_("Bring it back as a new machine, which harms no other."),
    "vm-network-not-here": N_("Choose another network for its cards."),
}


class VmRestoreForm:
    def __init__(self, look: Look) -> None:
        self._look, self._visit, self._vm = look, look.visit, look.vm or ""
        self._turn = 0
        self._may = self._visit.may(Right.RESTORE, look.machine.vault_id)

    def show(self) -> None:
        with ui.element("div").classes("hf-halves"):
            with shown.card(_("Bring it back")):
                self._how()
            with shown.card(_("What will happen")):
                self._picture = ui.element("div").classes("hf-stack")
                self._found = ui.element("div").classes("hf-stack").props("aria-live=polite")
                with ui.element("div").classes("hf-actions"):
                    again = ui.button(_("Look again"), on_click=self._visit.doing(self._check))
                    again.props("outline no-caps color=primary")
                    self._go = ui.button(_("Restore"), on_click=self._visit.doing(self._order))
                    self._go.props("unelevated no-caps color=primary")
        self._draw()
        ui.timer(0.05, self._visit.doing(self._check), once=True)

    def _how(self) -> None:
        with ui.element("div").classes("hf-row"):
            ui.label(_("On the host")).classes("hf-muted")
            ui.label(self._look.host).classes("hf-strong")
        ui.label(
            _("To bring it back on another host of this vault, use another machine, above.")
        ).classes("hf-muted")
        modes = {
            _NEW: _("As a new machine, beside the old one"),
            _IN_PLACE: _("In place: the machine itself becomes what it was"),
            _DISKS: _("Only its disks, as files"),
        }
        changed = self._visit.doing(self._changed)
        self._mode = ui.radio(modes, value=_NEW, on_change=changed)
        self._mode.props["aria-label"] = _("Bring it back")
        name = f"{self._vm}-restored"
        self._name = ui.input(_("Name of the new machine"), value=name, on_change=changed)
        self._name.props("outlined dense")
        self._pool = ui.input(_("Folder for its disks"), on_change=changed).props("outlined dense")
        self._pool.props["placeholder"] = "/var/lib/libvirt/images"
        formats = {_AS_IT_WAS: _("As the disks were"), "qcow2": "qcow2", "raw": "raw"}
        self._format = ui.select(
            formats, label=_("Format of its images"), value=_AS_IT_WAS, on_change=changed
        )
        self._format.props("outlined dense")
        self._choices = VmChoices(on_change=changed)
        self._choices.show()
        self._keep = ui.checkbox(
            _("Same UUID and network addresses: the old machine is gone for good"),
            on_change=changed,
        )
        self._start = ui.checkbox(_("Start it in the end"), on_change=changed)

    async def _changed(self) -> None:
        self._draw()
        self._turn += 1
        turn = self._turn

        async def settled() -> None:
            if turn == self._turn:
                await self._check()

        ui.timer(_STILL, self._visit.doing(settled), once=True)

    def _draw(self) -> None:
        mode = self._mode.value
        for element in (self._name, self._pool, self._format):
            element.set_visibility(mode != _IN_PLACE)
        self._choices.let_connect(mode == _NEW)
        self._keep.set_visibility(mode == _NEW)
        self._start.set_visibility(mode != _DISKS)
        self._go.set_enabled(False)
        self._picture.clear()
        with self._picture:
            for line in self._lines():
                ui.label(line)
            if mode == _IN_PLACE:
                with ui.element("div").classes("hf-notice hf-warn"):
                    ui.label(_("What the machine has written since this point is lost."))

    def _lines(self) -> list[str]:
        when = shown.when(self._look.point.taken_at)
        name, host = self._name.value or self._vm, self._look.host
        match self._mode.value:
            case "in-place":
                first = _("{vm} on {host} has to be off. Its disks become what they were {when}.")
            case "disks":
                first = _("The disks of {vm} as they were {when} are written to {host} as files.")
            case _:
                first = _("A machine {name} is made on {host}, as {vm} was {when}.")
        lines = [first.format(vm=self._vm, host=host, when=when, name=name)]
        if self._mode.value == _NEW:
            lines.append(
                _("It has the UUID and the addresses of the old one.")
                if self._keep.value
                else _("It has an identity of its own, so that both can run.")
            )
            lines.append(
                _(
                    "It is defined when all its disks are durable; after an error nothing of it is left."
                )
            )
        if self._start.value and self._mode.value != _DISKS:
            lines.append(_("It is started in the end."))
        return lines

    async def _check(self) -> None:
        """Ask the host. What was asked before something was changed again is passed over."""
        self._turn += 1
        turn = self._turn
        self._found.clear()
        if self._choices.is_empty:
            with self._found:
                ui.label(_("Choose one disk at least."))
            return
        with self._found, ui.element("div").classes("hf-row"):
            ui.spinner(size="20px").props("aria-hidden=true")
            text = _("{machine} looks whether anything is in the way…")
            ui.label(text.format(machine=self._look.host))
        plan: VmPlan | None = None
        trouble: HoldfastError | None = None
        try:
            asked = await self._visit.ask(plan_vm_restore, self._look.machine.id, self._wanted())
            plan = await asked.arrive()
        except HoldfastError as err:
            trouble = err
        if turn != self._turn:
            return
        self._found.clear()
        with self._found:
            if trouble is not None:
                problem(trouble)
                ui.label(_("It can be ordered all the same; the host says then what it finds."))
            if plan is not None:
                self._choices.take(plan)
                self._choices.let_connect(self._mode.value == _NEW)
                self._tell(plan)
        self._go.set_enabled(self._may and (plan is None or not plan.obstacles))

    def _tell(self, plan: VmPlan) -> None:
        shown.facts(_facts(plan))
        for found in plan.obstacles:
            _notice(found, "bad")
        for found in plan.cautions:
            _notice(found, "warn")
        if not plan.obstacles and not plan.cautions:
            with ui.element("div").classes("hf-notice hf-good"):
                ui.label(_("Nothing is in its way."))

    def _wanted(self) -> VmRestoreWanted:
        mode = self._mode.value
        is_new, is_in_place = mode == _NEW, mode == _IN_PLACE
        return VmRestoreWanted(
            point=self._look.point.id,
            vm=self._vm,
            mode=mode,
            name=None if is_in_place else ((self._name.value or "").strip() or None),
            pool=None if is_in_place else ((self._pool.value or "").strip() or None),
            format=None if is_in_place else (self._format.value or None),
            disks=self._choices.disks,
            networks=self._choices.networks if is_new else [],
            keep_identity=is_new and bool(self._keep.value),
            start=mode != _DISKS and bool(self._start.value),
            unlock=self._look.unlock_id,
        )

    async def _order(self) -> None:
        if self._mode.value == _IN_PLACE and not await self._is_meant():
            return
        job = await self._visit.ask(order_vm_restore, self._look.machine.id, self._wanted())
        nudge(job.id)
        ui.navigate.to(f"/jobs/{job.id}")

    async def _is_meant(self) -> bool:
        return await confirm(
            _("Put {vm} back to this point?").format(vm=self._vm),
            _("What it has written since then is lost. It has to be off."),
            yes=_("Restore"),
            typed=self._vm,
            is_dangerous=True,
        )


def _facts(plan: VmPlan) -> list[tuple[str, str]]:
    chosen = [one for one in plan.disks if one.is_chosen]
    disks = ", ".join(f"{one.target} ({shown.size(one.size)})" for one in chosen)
    rows = [(_("Disks"), disks or "-"), (_("Is written"), shown.size(plan.needed))]
    if plan.folder:
        rows += [(_("Folder"), plan.folder), (_("Free there"), shown.size(plan.free))]
    return rows


def _notice(found: Obstacle, tone: str) -> None:
    here = _HERE.get(found.code)
    with ui.element("div").classes(f"hf-notice hf-{tone}"):
        ui.label(found.message).classes("hf-strong")
        shown.prose(_(here) if here else found.remedy)
        ui.label(found.code).classes("hf-code")
