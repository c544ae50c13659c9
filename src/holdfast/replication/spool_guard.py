"""How much of a file system the logs that wait for the other site may take.

Of what would be free without them. Above the first limit a person is told; above the second
nothing more is spooled, and the bitmaps alone go on recording, which takes no room. The guest is
never stopped for it.
"""

import os
from enum import StrEnum
from pathlib import Path

import msgspec

# So far below a limit it is left again, or each log that is sent would be a new alarm.
_SLACK = 0.05


class Spooling(StrEnum):
    FREE = "free"
    WARNED = "warned"
    STOPPED = "stopped"


class SpoolLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Shares of 1; `warn` is not above `act`."""

    warn: float = 0.30
    act: float = 0.50

    def __post_init__(self) -> None:
        if not 0 < self.warn <= self.act <= 1:
            raise ValueError("0 < warn <= act <= 1")


class SpoolFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What our logs take, and what is free beside them."""

    ours: int = 0
    free: int = 0

    @property
    def share(self) -> float:
        whole = self.ours + self.free
        return self.ours / whole if whole > 0 else 1.0


def judge(facts: SpoolFacts, limits: SpoolLimits, *, before: Spooling = Spooling.FREE) -> Spooling:
    """What holds now, given what held before."""
    if facts.share >= _limit(limits.act, is_in=before is Spooling.STOPPED):
        return Spooling.STOPPED
    if facts.share >= _limit(limits.warn, is_in=before is not Spooling.FREE):
        return Spooling.WARNED
    return Spooling.FREE


def _limit(limit: float, *, is_in: bool) -> float:
    # A tiny limit would never be left otherwise.
    return max(limit - _SLACK, limit / 2) if is_in else limit


def room(facts: SpoolFacts, limits: SpoolLimits) -> int:
    """How many bytes may still be spooled; a step that is expected to need more is not begun."""
    return max(0, int(limits.act * (facts.ours + facts.free)) - facts.ours)


def look(folder: Path) -> SpoolFacts:
    """Of a folder of logs, and of its file system; logs that vanish meanwhile are not counted."""
    space = os.statvfs(folder)
    return SpoolFacts(ours=_taken(folder), free=space.f_bavail * space.f_frsize)


def _taken(folder: Path) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += entry.stat(follow_symlinks=False).st_blocks * 512
            except FileNotFoundError:
                continue
    return total
