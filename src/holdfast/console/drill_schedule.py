"""When drills of a machine are run by themselves, what they look at, and what is promised."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from holdfast.app.control.drills import DrillView
from holdfast.app.control.job_views import JobView
from holdfast.base.texts import _
from holdfast.console.drill_fields import LABELS, fields_of, order_of
from holdfast.console.forms import Form
from holdfast.console.recovery_orders import order_for
from holdfast.console.recovery_words import point_wishes
from holdfast.console.settings_changes import Changes, compact, in_lines, lines_of
from holdfast.console.visiting import Visit

_HINTS = {
    "schedule": "sun 03:00",
    "zone": "Asia/Seoul",
    "checks": "tcp:443\nguest:systemctl is-active nginx",
    "networks": "lan=lab",
    "within": "10m",
    "rto": "15m",
    "rpo": "5m",
}
_POINT = "point"
_IN_LINES = ("checks", "networks")


async def schedule_drills(visit: Visit, rows: Sequence[DrillView], chosen: str = "") -> None:
    """`chosen`: the key of the one it is about."""
    offered = {key_of(row): row for row in rows}
    text = _("Its host begins them by itself when it is time. Without a time it begins none.")
    with Form(_("Drills on a schedule"), yes=_("Set it"), text=text) as form:
        machine = ui.select(
            {key: f"{row.name} ({row.machine})" for key, row in offered.items()},
            label=_("Virtual machine"),
            value=chosen if chosen in offered else next(iter(offered)),
            with_input=True,
        )
        compact(machine)
        boxes = _Boxes()

        def now() -> dict[str, Any]:
            return fields_of(offered[machine.value]) if machine.value else boxes.read()

        labels = {name: _(label) for name, label in LABELS.items()}
        changes = Changes(form, labels, lambda: (now(), boxes.read()))
    boxes.fill(now())

    async def another() -> None:
        boxes.fill(now())

    machine.on_value_change(visit.doing(another))
    changes.watch(visit, *boxes.all)

    async def order() -> JobView:
        row = offered[machine.value]
        told = order_of(now(), boxes.read())
        act = "drill-schedule"
        return await order_for(
            visit, row.vm, row.name, act=act, arguments=told, host=row.machine_id
        )

    made = await form.done(visit, order)
    if made is not None:
        ui.navigate.to(f"/jobs/{made.id}")


def key_of(row: DrillView) -> str:
    """One machine may have replicas at several hosts, each drilled by itself."""
    return f"{row.machine_id} {row.vm}"


class _Boxes:
    """The fields, in the order they are thought of."""

    def __init__(self) -> None:
        self._boxes: dict[str, Any] = {}
        for name, label in LABELS.items():
            self._boxes[name] = compact(self._made(name, _(label)))

    @property
    def all(self) -> list[Any]:
        return list(self._boxes.values())

    def fill(self, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            box = self._boxes[name]
            if name == _POINT:
                # A point of its own, or a time, may have been set on the host.
                box.set_options({value: value, **point_wishes()}, value=value)
            else:
                box.value = in_lines(value) if name in _IN_LINES else value

    def read(self) -> dict[str, Any]:
        return {
            name: lines_of(box.value) if name in _IN_LINES else (box.value or "").strip()
            for name, box in self._boxes.items()
        }

    def _made(self, name: str, label: str) -> Any:
        if name == _POINT:
            return ui.select(point_wishes(), label=label)
        if name in _IN_LINES:
            label = _("{label}, one on each line").format(label=label)
            return ui.textarea(label, placeholder=_HINTS[name]).props("autogrow")
        return ui.input(label, placeholder=_HINTS[name])
