"""How many machines of a host are read at once: who is more important first, then who came first."""

import contextlib
import heapq
import itertools
import threading
from collections.abc import Callable, Iterator

_POLL_SECONDS = 0.5


class TurnGate:
    """For threads of one process."""

    def __init__(self, at_once: int) -> None:
        self._free = max(1, at_once)
        self._waiting: list[tuple[int, int]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> tuple[tuple[int, int], ...]:
        with self._changed:
            return tuple(self._waiting)

    @contextlib.contextmanager
    def turn(self, priority: int = 0, *, gives_up: Callable[[], bool]) -> Iterator[bool]:
        """Whether there was one; none comes to who gives up waiting."""
        if not self._take(priority, gives_up):
            yield False
            return
        try:
            yield True
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _take(self, priority: int, gives_up: Callable[[], bool]) -> bool:
        mine = (-priority, next(self._numbers))
        with self._changed:
            heapq.heappush(self._waiting, mine)
            while not (self._free and self._waiting[0] == mine):
                if gives_up():
                    self._waiting.remove(mine)
                    heapq.heapify(self._waiting)
                    self._changed.notify_all()
                    return False
                self._changed.wait(_POLL_SECONDS)
            heapq.heappop(self._waiting)
            self._free -= 1
            self._changed.notify_all()
            return True
