"""The fields of a policy on the page."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.policy_form import PolicyForm


class PolicyFields:
    """Drawn where it is made; `written` is what stands in them now."""

    def __init__(self, form: PolicyForm, on_change: Callable[[], Any]) -> None:
        self._form, self._on_change = form, on_change
        self._boxes: dict[str, Any] = {}
        self._when()
        self._keep()
        self._care()
        self._network()

    def written(self) -> PolicyForm:
        return PolicyForm(**{name: _value(box.value) for name, box in self._boxes.items()})

    def _when(self) -> None:
        with shown.card(_("When")), ui.element("div").classes("hf-fields"):
            self._line("name", _("Name"))
            self._line("schedule", _("Schedule"), hint="mon,fri 22:00 · every 4h")
            self._line("zone", _("Time zone"), hint="Europe/Berlin · Asia/Seoul · UTC")
            self._line("jitter", _("Spread machines over"), example="1h")
            self._lines(
                "blackouts",
                _("Not in these windows"),
                example="mon-fri 08:00-18:00",
            )
            self._choice(
                "in_blackout",
                _("A run that falls into one"),
                {"put-off": _("waits for its end"), "skip": _("is left out")},
            )
            self._line("longest", _("Stop a run after"), example="6h")
            self._tick("catch_up", _("Catch up on what was missed while a machine was off"))

    def _keep(self) -> None:
        with shown.card(_("What to keep")):
            self._lines("retention", _("Rules, one on each line; none keeps everything"))
            ui.label(
                _(
                    "As in: daily 7, weekly 4 on sat, monthly 12 on last sat, yearly 10, last 3, "
                    "within 14d. A point stays as long as one rule holds it."
                )
            ).classes("hf-muted")

    def _care(self) -> None:
        with shown.card(_("Proof and upkeep")), ui.element("div").classes("hf-fields"):
            self._tick("verify", _("Check that what is stored can be read"))
            self._line("verify_schedule", _("When to check"), example="sun 05:00")
            self._line("verify_share", _("Read so much of it each time"), example="5% · 1/7 · 20G")
            self._tick("prune", _("Free what no point needs any more"))
            self._line("prune_schedule", _("When to free"), example="sun 04:00")
            self._lines("prune_windows", _("Free only in these windows"))

    def _network(self) -> None:
        with shown.card(_("Network")), ui.element("div").classes("hf-fields"):
            self._line("rate", _("Bytes a second, at most"), example="10M")
            self._lines(
                "rates",
                _("Otherwise in these windows"),
                example="mon-fri 08:00-18:00 = 2M",
            )

    def _line(self, name: str, label: str, *, hint: str = "", example: str = "") -> None:
        box = ui.input(label, value=getattr(self._form, name)).props("outlined dense debounce=400")
        if hint:
            box.props["hint"] = hint
        if example:
            box.props["placeholder"] = example
        self._keep_box(name, box)

    def _lines(self, name: str, label: str, *, example: str = "") -> None:
        box = ui.textarea(label, value=getattr(self._form, name))
        if example:
            box.props["placeholder"] = example
        self._keep_box(name, box.props("outlined dense autogrow debounce=400"))

    def _tick(self, name: str, label: str) -> None:
        self._keep_box(name, ui.checkbox(label, value=getattr(self._form, name)))

    def _choice(self, name: str, label: str, words: dict[str, str]) -> None:
        box = ui.select(words, label=label, value=getattr(self._form, name))
        self._keep_box(name, box.props("outlined dense"))

    def _keep_box(self, name: str, box: Any) -> None:
        box.on_value_change(self._on_change)
        self._boxes[name] = box


def _value(value: Any) -> Any:
    return "" if value is None else value
