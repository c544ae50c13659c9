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


class Tracking(StrEnum):
    """How the changes of a machine are recorded between its points."""

    # Where that can be done, by bitmaps.
    AUTO = "auto"
    # By QEMU, in bitmaps of each disk's image.
    BITMAP = "bitmap"
    # By QEMU, in images of their own: what is in them is what has changed.
    OVERLAY = "overlay"
    # Not at all.
    HASH = "hash"


class Wanted(StrEnum):
    """What a person may ask of one backup."""

    AUTO = "auto"
    # Trust no record; read everything.
    HASH = "hash"
    # The same, and the point says that it was asked for.
    FULL = "full"


def read_mode(mode: str) -> tuple[Tracking | None, Wanted]:
    """What a person says of one backup: how to record from now on, or what to read this time."""
    if mode in (Tracking.BITMAP, Tracking.OVERLAY):
        return Tracking(mode), Wanted.AUTO
    return None, Wanted(mode)


def what_is_read(tracking: Tracking, wanted: Wanted) -> Wanted:
    """Where nothing is recorded there is no record to go by."""
    has_no_record = tracking is Tracking.HASH and wanted is Wanted.AUTO
    return Wanted.HASH if has_no_record else wanted


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
    LAYER_MISSING = "layer-missing"
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
    Why.LAYER_MISSING: N_("the overlay that began with the point before is not there any more"),
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
    # The checkpoint or overlay whose record is read; None: everything is.
    since: str | None = None
    # How many images from the top hold what has changed; 0: a bitmap does.
    layers: int = 0

    @property
    def mode(self) -> Mode:
        """A comparison makes an incremental point as well: only what differs is stored."""
        return Mode.FULL if self.rung is Rung.FULL else Mode.INCREMENTAL


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersNow:
    """A disk as it is, and how many of its images the newest point has nothing of."""

    target: str
    size: int
    # From the top; 0: the one that began with the newest point is not there.
    newer: int


def choose_track(now: DiskNow, before: DiskFacts | None, *, wanted: Wanted = Wanted.AUTO) -> Track:
    """The cheapest legal rung. `before` is the disk in the newest point, if the vault has it."""
    if before is None or wanted is Wanted.FULL:
        return _whole(now.target, before)
    obstacle = _obstacle(now, before, wanted)
    if obstacle is not None:
        return Track(target=now.target, rung=Rung.HASH, why=obstacle)
    return Track(target=now.target, rung=Rung.BITMAP, why=Why.TRACKED, since=before.checkpoint)


def choose_layers(
    now: LayersNow, before: DiskFacts | None, *, wanted: Wanted = Wanted.AUTO
) -> Track:
    """The same of a disk whose changes lie in overlays."""
    if before is None or wanted is Wanted.FULL:
        return _whole(now.target, before)
    obstacle = _obstacle_of_layers(now, before, wanted)
    if obstacle is not None:
        return Track(target=now.target, rung=Rung.HASH, why=obstacle)
    return Track(
        target=now.target,
        rung=Rung.OVERLAY,
        why=Why.TRACKED,
        since=before.generation,
        layers=now.newer,
    )


def _whole(target: str, before: DiskFacts | None) -> Track:
    why = Why.FIRST if before is None else Why.ASKED
    return Track(target=target, rung=Rung.FULL, why=why)


def _obstacle_of_layers(now: LayersNow, before: DiskFacts, wanted: Wanted) -> Why | None:
    if wanted is not Wanted.AUTO:
        return Why.ASKED
    if not before.generation or before.checkpoint:
        # Not at all, or in a bitmap.
        return Why.NO_CHECKPOINT
    if now.size < before.size:
        return Why.SHRUNK
    return None if now.newer else Why.LAYER_MISSING


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
