"""Parts of a page, each drawn anew only when something else is to be seen in it.

Who is about to press a button must not lose it because a figure beside it has moved.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from nicegui import ui

T = TypeVar("T")


class Part(Generic[T]):
    """A place here; `pick` is what of all that is shown can be seen in it."""

    def __init__(
        self,
        draw: Callable[[T], None],
        *,
        pick: Callable[[T], Any] = lambda what: what,
        classes: str = "",
    ) -> None:
        self._draw, self._pick = draw, pick
        self._picked: tuple[Any, ...] = ()
        self.place = ui.element("div").classes(f"hf-stack {classes}")

    def show(self, what: T) -> None:
        picked = (self._pick(what),)
        if picked == self._picked:
            return
        self._picked = picked
        self.place.clear()
        with self.place:
            self._draw(what)
        # What is empty takes no room.
        self.place.set_visibility(bool(self.place.default_slot.children))


class Parts(Generic[T]):
    """Some that live from one look: `load` is asked once for all of them."""

    def __init__(self, load: Callable[[], Awaitable[T]]) -> None:
        self._load = load
        self._parts: list[Part[T]] = []
        self._told: list[Callable[[T], None]] = []

    def add(
        self, pick: Callable[[T], Any], draw: Callable[[T], None], *, is_within: bool = False
    ) -> None:
        """Here; `is_within`: what is drawn stands in the grid around it, and not in one of its own."""
        part = Part(draw, pick=pick)
        if is_within:
            part.place.classes(remove="hf-stack").style("display: contents")
        self._parts.append(part)

    def tell(self, say: Callable[[T], None]) -> None:
        """What changes in place, and is never drawn anew."""
        self._told.append(say)

    async def refresh(self) -> None:
        found = await self._load()
        for part in self._parts:
            part.show(found)
        for say in self._told:
            say(found)
