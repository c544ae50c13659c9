"""How fast a log goes at this moment: it may be under way for hours, and stand still."""

import threading
from collections import deque

from holdfast.base.clock import Clock

_SECONDS = 30.0
# Before that there is nothing to tell: a small log is over by then.
_LEAST_SECONDS = 3.0


class Meter:
    """Told of progress by one thread, asked by others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._reached: int | None = None
        self._pieces: deque[tuple[float, int]] = deque()

    def begin(self) -> None:
        with self._lock:
            self._began, self._reached = self._clock.monotonic(), None
            self._pieces.clear()

    def progress(self, reached: int) -> None:
        """So far it is. What the site had before is not what was sent now."""
        with self._lock:
            now = self._clock.monotonic()
            if self._reached is not None:
                self._pieces.append((now, max(0, reached - self._reached)))
            self._reached = reached
            self._forget(now)

    def end(self) -> None:
        with self._lock:
            self._began = None

    def rate(self) -> float | None:
        """Bytes a second over the last half minute; None while nothing is sent, or only just."""
        with self._lock:
            now = self._clock.monotonic()
            if self._began is None or now - self._began < _LEAST_SECONDS:
                return None
            self._forget(now)
            return sum(size for _at, size in self._pieces) / min(_SECONDS, now - self._began)

    def _forget(self, now: float) -> None:
        while self._pieces and self._pieces[0][0] < now - _SECONDS:
            self._pieces.popleft()
