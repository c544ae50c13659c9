"""What is done next for a replica, from what its source and its site know. Pure.

A change is legal only upon the very generation it is relative to: the record of changes of each
disk must have begun with it, must have gone on without a break, and the site must have it, with
nothing written to it since. Everything else goes down the ladder, and only for the disks it is
about: what a record says, what a comparison finds, all of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from holdfast.machines.tracking import DiskNow, Track, Why
from holdfast.replication.source_facts import Generation, Sent, Walk
from holdfast.replication.source_tracks import choose_tracks, has_compared, must_walk

# One is sent while the next is read.
_SLICES_AHEAD = 2


class Move(StrEnum):
    """What to look at the machine for."""

    STEP = "step"
    SLICE = "slice"
    WALK = "walk"
    # What is in the spool must be at the site first.
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """A step relative to the base, each disk by the cheapest way that is legal."""

    tracks: Mapping[str, Track]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkFirst:
    """No step can be made of the base."""

    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The replica must be asked, and is not yet what the step is relative to."""


def next_move(sent: Sent, walk: Walk | None, *, waits: bool) -> Move:
    """`waits`: logs are in the spool that the site has not."""
    if walk is not None and not walk.is_over:
        return _next_of_walk(walk)
    if walk is None and (sent.base is None or sent.must_walk or sent.is_adopted):
        return Move.WAIT if waits else Move.WALK
    return Move.STEP


def _next_of_walk(walk: Walk) -> Move:
    if walk.made >= walk.slices or walk.made - walk.acked >= _SLICES_AHEAD:
        return Move.WAIT
    # With the first one the site begins a draft; before that nothing else means anything.
    return Move.WAIT if walk.made and not walk.acked else Move.SLICE


def choose(
    disks: Iterable[DiskNow], base: Generation | None, *, waits: bool
) -> Go | WalkFirst | Wait:
    """The rung of each disk of a step, or why there can be none."""
    found = tuple(disks)
    tracks = choose_tracks(found, base)
    why = must_walk(found, tracks)
    if why is not None:
        return WalkFirst(why=why)
    return Wait() if waits and has_compared(tracks) else Go(tracks=tracks)
