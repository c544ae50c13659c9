"""What a machine's loop does next. Pure: facts in, a word out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from holdfast.replication.spool_guard import Spooling


class Act(StrEnum):
    WAIT = "wait"
    # Take a step, or find out that something else must come first.
    STEP = "step"
    # Go on with a walk, or begin one.
    WALK = "walk"
    # A slot that must go by without a step.
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFacts:
    """All that is looked at between two things that are done."""

    is_due: bool = False
    is_paused: bool = False
    is_given_up: bool = False
    # It was given to another host, or is about to be.
    is_halted: bool = False
    # Whether the wait after a failure is over.
    may_try: bool = True
    # The site has answered, and has what we think it has.
    is_connected: bool = False
    queue: int = 0
    spooling: Spooling = Spooling.FREE
    has_walk: bool = False
    # All slices that may be read ahead are waiting to be sent.
    is_walk_waiting: bool = False
    # A walk must come before the next point, of which the site has an older one, or none.
    wants_walk: bool = False
    is_first: bool = False
    # The window is open, or somebody said: now.
    may_resync: bool = True


def what_now(facts: LoopFacts) -> Act:
    if facts.is_paused or facts.is_given_up or facts.is_halted:
        return Act.WAIT
    if facts.may_try:
        if facts.has_walk:
            return Act.WAIT if facts.is_walk_waiting else Act.WALK
        if facts.wants_walk and _may_begin(facts):
            return Act.WALK
    if not facts.is_due:
        return Act.WAIT
    # What changes goes on being recorded, which takes no room.
    is_barred = facts.wants_walk or facts.spooling is Spooling.STOPPED
    return Act.STEP if facts.may_try and not is_barred else Act.SKIP


def _may_begin(facts: LoopFacts) -> bool:
    can_begin = facts.is_connected and not facts.queue
    return can_begin and (facts.is_first or facts.may_resync)


def window_is_open(
    *,
    now: datetime,
    not_before: datetime | None,
    is_now: bool,
    is_in_window: bool,
) -> bool:
    """Whether a comparison may begin: at once, at a time somebody said, or in its window."""
    if is_now:
        return True
    if not_before is not None:
        return now >= not_before
    return is_in_window
