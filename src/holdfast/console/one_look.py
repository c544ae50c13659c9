"""What a page has found, for all of its parts that show the same."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OneLook(Generic[T]):
    """The first part looks `anew`; those after it show the `last`."""

    def __init__(self, load: Callable[[], Awaitable[list[T]]]) -> None:
        self._load = load
        self._found: list[T] | None = None

    async def anew(self) -> list[T]:
        self._found = await self._load()
        return self._found

    async def last(self) -> list[T]:
        return await self.anew() if self._found is None else self._found
