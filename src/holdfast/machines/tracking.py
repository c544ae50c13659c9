"""How it is learnt what has changed on a disk since the point before, and why not more cheaply.

A record of changes is trusted only if it began with the very checkpoint the newest point names,
and only where nothing contradicts it. Everything else is read in full and compared with what the
vault has: it costs reading, never a transfer of what is there already.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from holdfast.base.texts import N_, _
from holdfast.disks.spans import Span, union
from holdfast.machines.points import DiskFacts, Mode, Rung


class Wanted(StrEnum):
    """What a person may ask for."""

    AUTO = "auto"
    # Trust no record; read everything.
    HASH = "hash"
    # The same, and the point says that it was asked for.
    FULL = "full"


class MapState(Enum):
    """What became of the record of changes of one disk."""

    RECORDING = "recording"
    MISSING = "missing"
    INCONSISTENT = "inconsistent"
    # Nobody could be asked.
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why this rung and no cheaper one; the codes stand in points."""

    TRACKED = "tracked"
    FIRST = "first"
    ASKED = "asked"
    NO_MAP = "no-map"
    NO_CHECKPOINT = "no-checkpoint"
    MAP_MISSING = "map-missing"
    MAP_INCONSISTENT = "map-inconsistent"
    MAP_UNKNOWN = "map-unknown"
    SHRUNK = "shrunk"
    MAP_WRONG = "map-wrong"
    PARENT_DAMAGED = "parent-damaged"


_TEXTS = {
    Why.TRACKED: N_("the record of changes is sound"),
    Why.FIRST: N_("no point before has this disk"),
    Why.ASKED: N_("asked for"),
    Why.NO_MAP: N_("this kind of image cannot record changes"),
    Why.NO_CHECKPOINT: N_("nothing was recorded since the point before"),
    Why.MAP_MISSING: N_("the record of changes is gone: an image replaced or put back"),
    Why.MAP_INCONSISTENT: N_("the record of changes was not closed: QEMU was killed or lost power"),
    Why.MAP_UNKNOWN: N_("the record of changes could not be looked at"),
    Why.SHRUNK: N_("the disk became smaller"),
    Why.MAP_WRONG: N_("the record of changes contradicts the disk"),
    Why.PARENT_DAMAGED: N_("the point before is damaged"),
}


def reason_text(code: str) -> str:
    """A code of a point in words; one of a newer release stays a code."""
    try:
        return _(_TEXTS[Why(code)])
    except ValueError:
        return code


_WRONG_MAPS = {
    MapState.RECORDING: None,
    MapState.MISSING: Why.MAP_MISSING,
    MapState.INCONSISTENT: Why.MAP_INCONSISTENT,
    MapState.UNKNOWN: Why.MAP_UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskNow:
    """A disk as it is, and the record of changes since the newest point's checkpoint."""

    target: str
    size: int
    can_record: bool
    map_state: MapState


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What is decided for a disk."""

    target: str
    rung: Rung
    why: Why
    # The checkpoint whose record is read; None: everything is.
    since: str | None = None

    @property
    def mode(self) -> Mode:
        """A comparison makes an incremental point as well: only what differs is stored."""
        return Mode.FULL if self.rung is Rung.FULL else Mode.INCREMENTAL


def choose_track(now: DiskNow, before: DiskFacts | None, *, wanted: Wanted = Wanted.AUTO) -> Track:
    """The cheapest legal rung. `before` is the disk in the newest point, if the vault has it."""
    if before is None:
        return Track(target=now.target, rung=Rung.FULL, why=Why.FIRST)
    if wanted is Wanted.FULL:
        return Track(target=now.target, rung=Rung.FULL, why=Why.ASKED)
    obstacle = _obstacle(now, before, wanted)
    if obstacle is not None:
        return Track(target=now.target, rung=Rung.HASH, why=obstacle)
    return Track(target=now.target, rung=Rung.BITMAP, why=Why.TRACKED, since=before.checkpoint)


def _obstacle(now: DiskNow, before: DiskFacts, wanted: Wanted) -> Why | None:
    if wanted is not Wanted.AUTO:
        return Why.ASKED
    if not now.can_record:
        return Why.NO_MAP
    if not before.checkpoint:
        return Why.NO_CHECKPOINT
    if now.size < before.size:
        # It may have been larger and smaller in between, with other content in the tail.
        return Why.SHRUNK
    return _WRONG_MAPS[now.map_state]


def changed_spans(dirty: list[Span], *, size: int, before: int) -> list[Span]:
    """What may differ: the record, and the tail a disk has grown by, which no record has."""
    return union(dirty, [Span(before, size)]) if size > before else dirty
