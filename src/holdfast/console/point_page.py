"""One recovery point: what it holds, what keeps it and until when, and the way to restore it."""

from nicegui import ui

from holdfast.app.control.machine_views import show_machine
from holdfast.app.control.point_lists import VM_MARK
from holdfast.app.control.points import HoldView, PointView, show_point
from holdfast.base.texts import N_, _
from holdfast.catalog.points import CLASS_MARK
from holdfast.console import shown
from holdfast.console.pages import page
from holdfast.console.plain_tables import Cell, plain_table
from holdfast.console.thing_words import CONSISTENCY, word
from holdfast.console.visiting import Visit
from holdfast.fleet.roles import Right


@page("/points/{machine_id}/{point_id}", title=N_("Recovery point"), section="restore")
async def point_page(visit: Visit, machine_id: str, point_id: str) -> None:
    point = await visit.ask(show_point, machine_id, point_id)
    machine = await visit.ask(show_machine, machine_id)
    shown.name_tab(f"{machine.name}, {shown.when(point.taken_at)}")
    with ui.element("div").classes("hf-row"):
        shown.heading(shown.when(point.taken_at)).classes("hf-subject")
        if point.is_expired:
            shown.chip(_("Goes with the next thinning out"), "warn")
        ui.space()
        if visit.may(Right.RESTORE, machine.vault_id):
            _ways_in(machine.id, point.id)
    with ui.element("div").classes("hf-halves"):
        with shown.card(_("What it holds")):
            shown.facts(_facts(point))
            shown.link(_("Of {machine}").format(machine=machine.name), f"/machines/{machine.id}")
            uuid = _vm_of(point)
            if uuid:
                shown.link(_("To the virtual machine"), f"/vms/{machine.id}/{uuid}")
        _held(point)


def _ways_in(machine_id: str, point_id: str) -> None:
    chosen = f"?machine={machine_id}&point={point_id}"
    with ui.link(target=f"/browse{chosen}").classes("hf-button"):
        ui.label(_("Look inside"))
    with ui.link(target=f"/restore{chosen}").classes("hf-button hf-button-main"):
        ui.label(_("Restore"))


def _facts(point: PointView) -> list[tuple[str, str]]:
    marked = [tag for tag in point.tags if tag.startswith(CLASS_MARK)]
    found = word(CONSISTENCY, marked[0].removeprefix(CLASS_MARK)) if marked else ""
    return [
        (_("Id"), point.id),
        (_("Of"), ", ".join(point.paths)),
        *([(_("Class"), found)] if found else []),
        (_("Host"), point.host),
        (_("Size"), shown.size(point.bytes_total)),
        (_("New data"), shown.size(point.bytes_added)),
        (_("Tags"), ", ".join(point.tags) or "-"),
    ]


def _vm_of(point: PointView) -> str | None:
    marked = (tag.removeprefix(VM_MARK) for tag in point.tags if tag.startswith(VM_MARK))
    return next(marked, None)


def _held(point: PointView) -> None:
    with shown.card(_("What keeps it")):
        if point.policy is None:
            ui.label(
                _("No policy decides on it: it stays until somebody makes it go by hand.")
            ).classes("hf-muted")
            return
        ui.label(_("By the policy {policy}:").format(policy=point.policy))
        if not point.holds:
            ui.label(_("No rule holds it any more.")).classes("hf-muted")
            return
        plain_table(
            "holds",
            [_("Rule"), _("Until")],
            [[Cell(one.rule), Cell(_until(one))] for one in point.holds],
        )


def _until(hold: HoldView) -> str:
    if hold.is_forever:
        return _("somebody changes the policy")
    return shown.when(hold.until) if hold.until else _("newer points take its place")
