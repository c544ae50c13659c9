"""How a replication is set: shown, and changed by an order of its host."""

from collections.abc import Mapping
from typing import Any

import msgspec
from nicegui import ui

from holdfast.app.control.job_views import JobView
from holdfast.app.control.jobs import show_job
from holdfast.app.control.replication_changing import ReplicationChange, change_replication
from holdfast.app.control.replication_judging import read_settings
from holdfast.app.control.replication_views import ReplicationDetail
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.asking import with_pin
from holdfast.console.forms import Form
from holdfast.console.job_words import state_text
from holdfast.console.replication_fields import LABELS, fields_of, with_defaults
from holdfast.console.settings_changes import Changes, compact, differing, in_lines, lines_of
from holdfast.console.visiting import Visit
from holdfast.replication.settings import ReplicationSettings
from holdfast.server.nudging import nudge

INTERVALS = {"30s": N_("30 seconds"), "5m": N_("5 minutes"), "15m": N_("15 minutes")}
_HINTS = {
    "app_every": "1h",
    "limits": "20mbit@weekdays 08:00-18:00",
    "group": "shop",
    "resync_window": "daily 22:00-06:00",
    "thresholds": "rpo-warn=20m",
}
_IN_LINES = ("limits", "thresholds")
_NUMBERS = {"points": (1, 360), "priority": (None, None)}


def show_settings(told: Mapping[str, Any]) -> None:
    settings = read_settings(told)
    if settings is None:
        ui.label(_("Its host has told nothing yet.")).classes("hf-muted")
        return
    limits = [
        _("{size}/s").format(size=shown.size(one.bytes_per_second)) + f" {one.window}"
        for one in settings.limits
    ]
    shown.facts(
        [
            (_("Site"), f"{settings.to.site} ({settings.to.host}:{settings.to.port})"),
            (_("A new point each"), shown.duration(settings.every)),
            (
                _("Application-consistent each"),
                shown.duration(settings.app_every) if settings.app_every else _("never"),
            ),
            (_("Points are kept"), _("{hours} h").format(hours=settings.points.hours)),
            (_("Limits"), ", ".join(limits) or _("none")),
            (_("Priority"), str(settings.priority)),
            (_("Group"), settings.group or "-"),
            (_("Window for comparing all of it"), settings.resync_window or _("always")),
            (_("Thresholds"), ", ".join(fields_of(settings)["thresholds"]) or _("the usual ones")),
            (_("Id"), settings.vm),
        ]
    )


def show_last_change(job: JobView | None, error: Mapping[str, Any] | None) -> None:
    """What was ordered and is not so yet, or what its host had against it."""
    if job is None or job.state in ("done", "warnings", "cancelled"):
        return
    is_open = job.state in ("waiting", "running")
    with ui.element("section").classes(f"hf-notice {'hf-busy' if is_open else 'hf-bad'}"):
        ordered = _("A change of its settings is ordered")
        said = ordered if is_open else _("The last change of its settings was not made")
        ui.label(f"{said}: {state_text(job.state)}").classes("hf-strong")
        if error:
            ui.label(str(error.get("message", "")))
            shown.prose(str(error.get("remedy", ""))).classes("hf-muted")
        shown.link(_("The job"), f"/jobs/{job.id}")


async def refusal_of(visit: Visit, job: JobView | None) -> Mapping[str, Any] | None:
    if job is None or job.error_code is None:
        return None
    return (await visit.ask(show_job, job.id)).error


async def change_settings(visit: Visit, detail: ReplicationDetail) -> None:
    settings = read_settings(detail.settings)
    assert settings is not None, "the button is there only then"
    one, now = detail.replication, fields_of(settings)
    text = _(
        "Its host looks at all that it looks at when a replication begins; until it has agreed, "
        "the old settings hold. Limits are shared by all that it sends to this site."
    )
    title = _("Settings of the replication of {name}").format(name=one.name)
    with Form(title, yes=_("Order it"), text=text) as form:
        boxes = _Boxes(settings)
        partly = ui.checkbox(_("Agree that disks which cannot be replicated are left out"))
        one_way = ui.checkbox(_("Agree that nothing can be brought back to its host"))
        labels = {name: _(label) for name, label in LABELS.items()}
        changes = Changes(form, labels, lambda: (now, boxes.read()))
    changes.watch(visit, *boxes.all)

    async def order() -> JobView | None:
        told = differing(now, boxes.read())
        if "thresholds" in told:
            told["thresholds"] = with_defaults(now["thresholds"], told["thresholds"])
        agreed = {"partly": bool(partly.value), "one_way": bool(one_way.value)}
        wish = msgspec.convert({**told, **agreed}, ReplicationChange)
        # That points go earlier is proven anew.
        return await with_pin(visit, lambda armed: armed.ask(change_replication, one.id, wish))

    made = await form.done(visit, order)
    if made is not None:
        nudge(made.id)


class _Boxes:
    """A field for each setting, filled with what holds now."""

    def __init__(self, settings: ReplicationSettings) -> None:
        now = fields_of(settings)
        self._boxes: dict[str, Any] = {
            name: compact(self._made(name, _(label), now[name])) for name, label in LABELS.items()
        }

    @property
    def all(self) -> list[Any]:
        return list(self._boxes.values())

    def read(self) -> dict[str, Any]:
        return {name: self._value(name, box.value) for name, box in self._boxes.items()}

    def _value(self, name: str, value: Any) -> Any:
        if name in _IN_LINES:
            return lines_of(value)
        if name in _NUMBERS:
            return int(value or 0)
        return (value or "").strip()

    def _made(self, name: str, label: str, value: Any) -> Any:
        if name == "every":
            offered = {key: _(text) for key, text in INTERVALS.items()}
            return ui.select({value: value, **offered}, label=label, value=value)
        if name in _NUMBERS:
            least, most = _NUMBERS[name]
            return ui.number(label, value=value, min=least, max=most, precision=0)
        if name in _IN_LINES:
            label = _("{label}, one on each line").format(label=label)
            box = ui.textarea(label, value=in_lines(value), placeholder=_HINTS[name])
            return box.props("autogrow")
        if name == "app_every":
            label = _("{label}, 0: never").format(label=label)
        return ui.input(label, value=value, placeholder=_HINTS[name])
