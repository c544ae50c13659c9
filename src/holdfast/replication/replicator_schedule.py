"""When a machine's next cycle is due: on a grid of its own, so that many machines do not bunch. Pure.

The grid lies on the clock that never runs backwards, so it neither drifts with the time a cycle
takes nor jumps when somebody sets the time. A cycle that comes too late is begun at once; those
whose time has passed by then are missed, and are not made up for.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32


def phase_of(key: str, every: float) -> float:
    """Where on the grid a machine is; machines of one group have the group's key."""
    return crc32(key.encode()) % max(1, int(every * 1000)) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Slot n is `first + n * every`, in seconds of the monotonic clock."""

    every: float
    first: float
    # The next one that is not over.
    number: int = 0

    @classmethod
    def begun(cls, key: str, every: float, *, monotonic: float, wall: float) -> "Schedule":
        """`wall` is the time in seconds: after a restart the grid is where it was."""
        wait = (phase_of(key, every) - wall) % every
        return cls(every=every, first=monotonic + wait)

    @property
    def next_at(self) -> float:
        return self.first + self.number * self.every

    def is_due(self, monotonic: float) -> bool:
        return monotonic >= self.next_at

    def passed(self, monotonic: float) -> int:
        """How many slots are over or have begun; the last of them is the one to be taken."""
        if not self.is_due(monotonic):
            return 0
        return int((monotonic - self.next_at) // self.every) + 1

    def taken(self, monotonic: float) -> "Schedule":
        """After the newest slot that has begun was dealt with."""
        return Schedule(
            every=self.every, first=self.first, number=self.number + self.passed(monotonic)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The slot to be taken, by the clock on the wall, and those that were missed before it."""

    at: datetime
    missed: tuple[datetime, ...] = ()


# A machine that slept for a week missed more than anybody wants to read.
_MOST_MISSED = 100


def due_now(schedule: Schedule, *, monotonic: float, now: datetime) -> Due | None:
    passed = schedule.passed(monotonic)
    if not passed:
        return None

    def moment(number: int) -> datetime:
        return now + timedelta(seconds=schedule.next_at + number * schedule.every - monotonic)

    first = max(0, passed - 1 - _MOST_MISSED)
    missed = tuple(moment(number) for number in range(first, passed - 1))
    return Due(at=moment(passed - 1), missed=missed)
