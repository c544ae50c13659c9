"""Parts of a page that are drawn anew: when something was done, and while things change."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from nicegui import ui

from holdfast.console.visiting import Visit

T = TypeVar("T")


class Panel(Generic[T]):
    """What `load` finds, drawn by `draw`; drawn again only if it is different."""

    def __init__(
        self, load: Callable[[], Awaitable[T]], draw: Callable[[T], None], *, classes: str = ""
    ) -> None:
        self._load, self._draw = load, draw
        self._place = ui.element("div").classes(f"hf-stack {classes}")
        self._drawn: list[T] = []

    async def refresh(self) -> None:
        found = await self._load()
        if self._drawn == [found]:
            return
        self._drawn = [found]
        self._place.clear()
        with self._place:
            self._draw(found)


def acting(visit: Visit, act: Callable[[], Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
    """For buttons within a panel: what they ask stands beside it, and stays when it is redrawn."""

    async def run() -> None:
        with ui.context.client.content:
            await act()

    return visit.doing(run)
