"""The health of a replication: normal, warning or critical, and every reason for it.

A threshold that is crossed to and fro does not make the health flap: a reason stays, as grave as
it was, until it has not been so for two intervals. What somebody or something has set, such as a
pause, ends with it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from holdfast.replication.judging import DONE, Finding, judged
from holdfast.replication.observed import Observed
from holdfast.replication.status import Health, Reason, State

_RANK: Final = {Health.NORMAL: 0, Health.WARNING: 1, Health.CRITICAL: 2}
# Reasons that rest upon a figure that comes and goes; all others are so or not so.
HELD: Final = frozenset(
    {
        "app-point-overdue",
        "churn-high",
        "clock-skew",
        "cycles-missed",
        "no-point",
        "no-success",
        "rpo-high",
        "rpo-not-achievable",
        "scratch-filling",
        "upload-limited",
        "upload-slow",
    }
)
_OF_AGE: Final = frozenset({"no-point", "no-success", "rpo-high"})
_LEAST_HELD = timedelta(minutes=1)


class Judgement(NamedTuple):
    health: Health
    # The gravest first.
    reasons: tuple[Reason, ...]


def health_of(seen: Observed, now: datetime, *, before: Sequence[Reason] = ()) -> Judgement:
    """Judge what is seen now; `before` is what was found last."""
    known = {reason.code: reason for reason in before}
    hold = max(_LEAST_HELD, 2 * seen.every)
    found = [_told(each, known.get(each.code), now, hold) for each in judged(seen, now)]
    if seen.standing.state in DONE:
        return judgement(found)
    there = {reason.code for reason in found}
    # Nothing is lost of what is off and over there: that is no figure that comes and goes.
    over = _OF_AGE if seen.standing.state is State.SYNCED else frozenset()
    held = [
        reason
        for reason in before
        if reason.code not in there | over and _is_held(reason, now, hold)
    ]
    return judgement([*found, *held])


def judgement(reasons: Iterable[Reason]) -> Judgement:
    """As grave as the gravest of them."""
    ordered = tuple(sorted(reasons, key=lambda reason: -_RANK[reason.health]))
    return Judgement(ordered[0].health if ordered else Health.NORMAL, ordered)


def _told(found: Finding, before: Reason | None, now: datetime, hold: timedelta) -> Reason:
    fresh = Reason(
        code=found.code, health=found.health, since=now, last_at=now, figures=found.figures
    )
    if before is None:
        return fresh
    # A clock that was set back must not make anything begin in the future.
    since = min(before.since, now)
    if _RANK[before.health] > _RANK[found.health] and _is_held(before, now, hold):
        return msgspec.structs.replace(before, since=since, figures=found.figures)
    return msgspec.structs.replace(fresh, since=since)


def _is_held(reason: Reason, now: datetime, hold: timedelta) -> bool:
    if reason.code not in HELD or reason.last_at is None:
        return False
    # Of the future: the clock was set back since, and nothing is known of how long ago it was.
    return timedelta(0) <= now - reason.last_at < hold
