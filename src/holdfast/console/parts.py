"""Parts of a page that live from one look: each is drawn anew only when what it shows has changed.

Who is about to press a button must not lose it because a figure beside it has moved.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nicegui import ui

T = TypeVar("T")


@dataclass(slots=True)
class _Part(Generic[T]):
    place: ui.element
    draw: Callable[[T], None]
    # What tells whether it is as it was.
    pick: Callable[[T], Any]
    drawn: tuple[Any, ...] = ()


class Parts(Generic[T]):
    """`load` is asked once for all of them."""

    def __init__(self, load: Callable[[], Awaitable[T]]) -> None:
        self._load = load
        self._parts: list[_Part[T]] = []

    def add(
        self, pick: Callable[[T], Any], draw: Callable[[T], None], *, is_within: bool = False
    ) -> None:
        """Here; `is_within`: what is drawn stands in the grid around it, and not in one of its own."""
        place = ui.element("div")
        if is_within:
            place.style("display: contents")
        else:
            place.classes("hf-stack")
        self._parts.append(_Part(place, draw, pick))

    async def refresh(self) -> None:
        found = await self._load()
        for part in self._parts:
            picked = (part.pick(found),)
            if picked == part.drawn:
                continue
            part.drawn = picked
            part.place.clear()
            with part.place:
                part.draw(found)
            # What is empty takes no room.
            part.place.set_visibility(bool(part.place.default_slot.children))
