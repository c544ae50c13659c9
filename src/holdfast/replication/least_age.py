"""How old something is at least: a wall clock that is set back makes nothing younger."""

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import NamedTuple


class _Known(NamedTuple):
    what: Hashable
    # When it began, by the clock that nobody sets.
    monotonic: float


class LeastAge:
    """Of the newest of its kind: as old as it was when it was new here, and the time since."""

    def __init__(self) -> None:
        self._known: _Known | None = None

    def of(self, what: Hashable, age: float, monotonic: float) -> float:
        """`age` is what the wall clock says, and counts only where `what` is new."""
        if self._known is None or self._known.what != what:
            self._known = _Known(what, monotonic - age)
        return monotonic - self._known.monotonic


def age_of(since: datetime, now: datetime) -> float:
    """In seconds; what is of the future has just been."""
    return max(timedelta(0), now - since).total_seconds()
