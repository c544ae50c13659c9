"""How far a disk is, said a few times a second."""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.base.clock import Clock

_SECONDS_BETWEEN = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskProgress:
    """`done` of `total` bytes of a disk are dealt with, by reading or because they are known."""

    disk: str
    done: int
    total: int


OnDisk = Callable[[DiskProgress], None]


def nobody_listens(_: DiskProgress) -> None:
    """No progress is shown."""


class Steps:
    """Counts up to the size of a disk; the end is always said."""

    def __init__(self, disk: str, total: int, clock: Clock, on_progress: OnDisk) -> None:
        self._disk = disk
        self._total = total
        self._clock = clock
        self._on_progress = on_progress
        self._done = 0
        self._next = 0.0

    def add(self, count: int) -> None:
        self._done += count
        now = self._clock.monotonic()
        if now >= self._next or self._done >= self._total:
            self._next = now + _SECONDS_BETWEEN
            self._on_progress(DiskProgress(disk=self._disk, done=self._done, total=self._total))
