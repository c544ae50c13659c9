"""What was worked out a moment ago, given again to whoever asks meanwhile.

Fifty open pages that ask for the same cost one answer every two seconds. While it is worked out
anew, the others are given the one before, so that nobody holds a thread only to wait.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from holdfast.app.control.plane import Plane
from holdfast.catalog.database import Database

T = TypeVar("T")
LIFE = timedelta(seconds=2)
# As old as this it may be while a new one is worked out.
_OLDEST = timedelta(seconds=10)
# Of so many kinds of readers something is kept; of more, of those that were asked last.
_MOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made(Generic[T]):
    value: T
    # By both clocks: the wall's may be set.
    ticks: float
    at: datetime

    def is_within(self, plane: Plane, age: timedelta) -> bool:
        passed = timedelta(seconds=plane.clock.monotonic() - self.ticks)
        return passed < age and abs(plane.clock.now() - self.at) < age


@dataclass(slots=True)
class _Entry(Generic[T]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: _Made[T] | None = None


class Kept(Generic[T]):
    """One answer for each plane and key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: WeakKeyDictionary[Database, dict[Hashable, _Entry[T]]] = WeakKeyDictionary()

    def get(self, plane: Plane, key: Hashable, make: Callable[[], T]) -> T:
        entry = self._entry(plane.database, key)
        before = entry.made
        if before is not None and before.is_within(plane, LIFE):
            return before.value
        may_wait = before is None or not before.is_within(plane, _OLDEST)
        if not entry.lock.acquire(blocking=may_wait):
            assert before is not None
            return before.value
        try:
            return self._made(plane, entry, make)
        finally:
            entry.lock.release()

    def _made(self, plane: Plane, entry: _Entry[T], make: Callable[[], T]) -> T:
        if entry.made is not None and entry.made.is_within(plane, LIFE):
            # Somebody else has worked it out while this one waited.
            return entry.made.value
        value = make()
        entry.made = _Made(value=value, ticks=plane.clock.monotonic(), at=plane.clock.now())
        return value

    def _entry(self, database: Database, key: Hashable) -> _Entry[T]:
        with self._lock:
            entries = self._of.setdefault(database, {})
            entry = entries.pop(key, None) or _Entry[T]()
            while len(entries) >= _MOST:
                del entries[next(iter(entries))]
            entries[key] = entry
            return entry
