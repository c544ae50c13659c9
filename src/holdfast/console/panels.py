"""Parts of a page that look for themselves: when something was done, and while things change."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from nicegui import ui

from holdfast.console.parts import Part
from holdfast.console.visiting import Visit

T = TypeVar("T")


class Panel(Generic[T]):
    """What `load` finds, drawn by `draw`."""

    def __init__(
        self, load: Callable[[], Awaitable[T]], draw: Callable[[T], None], *, classes: str = ""
    ) -> None:
        self._load, self._part = load, Part(draw, classes=classes)

    async def refresh(self) -> None:
        self._part.show(await self._load())


def acting(visit: Visit, act: Callable[[], Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
    """For buttons within a panel: what they ask stands beside it, and stays when it is redrawn."""

    async def run() -> None:
        with ui.context.client.content:
            await act()

    return visit.doing(run)
