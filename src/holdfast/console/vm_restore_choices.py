"""Which disks of a virtual machine come back, and what its network cards are connected to then."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.fleet.questions import VmPlan

_AS_IT_WAS, _NONE, _BRIDGE = "", "none", "bridge:"


class VmChoices:
    """What there is to choose is known when the host has looked into the point."""

    def __init__(self, *, on_change: Callable[..., Any]) -> None:
        self._on_change = on_change
        self._boxes: dict[str, ui.checkbox] = {}
        self._places: dict[str, ui.select] = {}

    def show(self) -> None:
        self._disks = ui.element("fieldset").classes("hf-stack hf-choices")
        self._cards = ui.element("fieldset").classes("hf-stack hf-choices")
        for part in (self._disks, self._cards):
            part.set_visibility(False)

    def let_connect(self, is_new: bool) -> None:  # noqa: FBT001  as a box is ticked
        """Only a machine that is made is connected anew."""
        self._cards.set_visibility(is_new and bool(self._places))

    def take(self, plan: VmPlan) -> None:
        """Once: what is chosen since then stays."""
        if self._boxes:
            return
        with self._disks:
            _title(_("Its disks"))
            for disk in plan.disks:
                text = _("{disk}: {size}, of which {data} are not empty")
                told = text.format(
                    disk=disk.target, size=shown.size(disk.size), data=shown.size(disk.data)
                )
                self._boxes[disk.target] = ui.checkbox(told, value=True, on_change=self._on_change)
        self._disks.set_visibility(len(self._boxes) > 1)
        self._take_cards(plan)

    @property
    def disks(self) -> list[str]:
        """None named: all of them."""
        chosen = [target for target, box in self._boxes.items() if box.value]
        return [] if len(chosen) == len(self._boxes) else chosen

    @property
    def is_empty(self) -> bool:
        return bool(self._boxes) and not any(box.value for box in self._boxes.values())

    @property
    def networks(self) -> list[str]:
        return [f"{old}={box.value}" for old, box in self._places.items() if box.value]

    def _take_cards(self, plan: VmPlan) -> None:
        by_network: dict[str, list[str]] = {}
        for card in plan.cards:
            if card.network:
                by_network.setdefault(card.network, []).append(card.mac)
        there = {name: name for name in plan.networks}
        there |= {f"{_BRIDGE}{name}": _("Bridge {name}").format(name=name) for name in plan.bridges}
        with self._cards:
            _title(_("Its network cards"))
            for old, macs in by_network.items():
                as_it_was = _("{network}, as it was").format(network=old)
                others = {key: text for key, text in there.items() if key != old}
                options = {_AS_IT_WAS: as_it_was, **others, _NONE: _("Nothing: take them out")}
                label = _("In {network} till now: {cards}")
                box = ui.select(
                    options,
                    label=label.format(network=old, cards=", ".join(filter(None, macs)) or "-"),
                    value=_AS_IT_WAS,
                    on_change=self._on_change,
                )
                self._places[old] = box.props("outlined dense")
        self._cards.set_visibility(bool(self._places))


def _title(text: str) -> None:
    ui.element("legend").classes("hf-muted")._text = text  # noqa: SLF001  the framework's way
