"""When a scheduled run is due: the moments of a schedule, spread out, put off and caught up.

Every moment that a schedule names is an occurrence with a key of its own. Exactly one run belongs to
it, however often the question is asked, and whatever jitter, blackouts and downtime make of it:

- jitter puts each machine's run at its own place within a window, never past the next occurrence;
- spread sets apart what runs on one machine at the same occurrences, each always at its own place;
- a run that falls into a blackout is put off to its end, or left out; an occurrence put off past
  the next one is merged with it;
- after downtime the newest missed occurrence runs once, for all that were missed.

Nothing here knows the time: whoever asks says it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from holdfast.fleet.occurrences import Schedule
from holdfast.fleet.windows import Stretch, Window, next_begin, stretch_around

# Later than this is late: an agent looks more often.
_PROMPT = timedelta(minutes=5)
# So far apart are things of one machine at most, unless somebody wants another width.
_USUAL_SPREAD = timedelta(minutes=15)
# A clock that was so far ahead when something ran was wrong then.
_IMPLAUSIBLE = timedelta(days=1)
_MOST_COUNTED = 100
# A yearly run that so many blackouts in turn left out never comes.
_MOST_LOOKED_AT = 200
_RESOLUTION = timedelta.resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A schedule with all that moves its runs."""

    schedule: Schedule
    zone: ZoneInfo
    jitter: timedelta = timedelta(0)
    blackouts: tuple[Window, ...] = ()
    # Leave a run out that falls into a blackout, instead of putting it off.
    skips_blackouts: bool = False
    catches_up: bool = True
    # What was missed longer ago than this stays missed.
    catch_up_within: timedelta | None = None
    # Over how long those are spread that have a share; None: half of the time to the next
    # occurrence, a quarter of an hour at most.
    spread: timedelta | None = None
    # Where in it this one begins, from 0 up to 1.
    share: float = 0.0

    @property
    def widest_spread(self) -> timedelta:
        return _USUAL_SPREAD if self.spread is None else self.spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One occurrence, and when its run is to begin."""

    # The same however often it is asked for; a run is recorded under it.
    key: str
    # The moment that the schedule names: give it back as `last` once the run is recorded.
    nominal: datetime
    at: datetime
    # Of occurrences before it that never ran and that it stands for; counted up to a hundred.
    missed: int = 0


def next_due(timing: Timing, after: datetime, *, seed: str) -> Due | None:
    """The first run later than this moment; None: blackouts leave none.

    `seed` tells machines apart, and assignments: give the assignment's id.
    """
    nominal = timing.schedule.last_until(after, timing.zone)
    for _step in range(_MOST_LOOKED_AT):
        at = _begin(timing, nominal, seed)
        if at is not None and at > after:
            return Due(key=_key(nominal), nominal=nominal, at=at)
        nominal = _following(timing, nominal)
    return None


def due(timing: Timing, last: datetime | None, now: datetime, *, seed: str) -> Due | None:
    """What should run now: the newest occurrence whose time has come and that did not run yet.

    `last` is the nominal moment of the last occurrence recorded, or, before there is one, the
    moment the schedule came into force; None runs only what is due this very moment.
    """
    if last is not None and last - now > _IMPLAUSIBLE:
        last = None
    found = _newest_begun(timing, now, last, seed)
    if found is None:
        return None
    nominal, at = found
    late = now - at
    if late > _PROMPT and not _may_catch_up(timing, late, is_known=last is not None):
        return None
    missed = 0 if last is None else _count_between(timing, last, nominal)
    return Due(key=_key(nominal), nominal=nominal, at=at, missed=missed)


def jitter_of(seed: str, key: str, span: timedelta) -> timedelta:
    """Below the span, and always the same for one machine and occurrence."""
    return _part_of(span, share_of(seed, key))


def share_of(seed: str, key: str) -> float:
    """From 0 up to 1, and always the same for both together."""
    digest = hashlib.sha256(f"{seed}\0{key}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / (1 << 53)


def _part_of(span: timedelta, share: float) -> timedelta:
    return timedelta(seconds=int(span.total_seconds() * share))


def _newest_begun(
    timing: Timing, now: datetime, last: datetime | None, seed: str
) -> tuple[datetime, datetime] | None:
    nominal = timing.schedule.last_until(now, timing.zone)
    for _step in range(_MOST_LOOKED_AT):
        if last is not None and nominal <= last:
            return None
        at = _begin(timing, nominal, seed)
        if at is not None and at <= now:
            return nominal, at
        nominal = _preceding(timing, nominal)
    return None


def _may_catch_up(timing: Timing, late: timedelta, *, is_known: bool) -> bool:
    if not is_known or not timing.catches_up:
        return False
    return timing.catch_up_within is None or late <= timing.catch_up_within


def _begin(timing: Timing, nominal: datetime, seed: str) -> datetime | None:
    """When the run of an occurrence begins; None: it has none of its own."""
    following = timing.schedule.first_after(nominal, timing.zone)
    blackout = _blackout(timing, nominal)
    if blackout is not None and (timing.skips_blackouts or blackout.end >= following):
        return None
    begin = nominal if blackout is None else blackout.end
    room = min(following, _blackout_after(timing, begin) or following) - begin - _RESOLUTION
    jitter = jitter_of(seed, _key(nominal), min(timing.jitter, room))
    return begin + jitter + _apart(timing, following - nominal, room - jitter)


def _apart(timing: Timing, interval: timedelta, room: timedelta) -> timedelta:
    """How long after the others' moment this one begins."""
    width = min(interval / 2, _USUAL_SPREAD) if timing.spread is None else timing.spread
    return _part_of(min(width, room), timing.share)


def _following(timing: Timing, nominal: datetime) -> datetime:
    """The next occurrence; of those inside one blackout only the last counts."""
    found = timing.schedule.first_after(nominal, timing.zone)
    blackout = _blackout(timing, found)
    if blackout is None:
        return found
    if timing.skips_blackouts:
        return timing.schedule.first_after(blackout.end - _RESOLUTION, timing.zone)
    return timing.schedule.last_until(blackout.end, timing.zone)


def _preceding(timing: Timing, nominal: datetime) -> datetime:
    """The former occurrence, or, from inside a blackout, the last one before it."""
    blackout = _blackout(timing, nominal)
    edge = nominal if blackout is None else blackout.begin
    return timing.schedule.last_until(min(edge, nominal) - _RESOLUTION, timing.zone)


def _count_between(timing: Timing, last: datetime, nominal: datetime) -> int:
    count = 0
    moment = timing.schedule.first_after(last, timing.zone)
    while moment < nominal and count < _MOST_COUNTED:
        count += 1
        moment = timing.schedule.first_after(moment, timing.zone)
    return count


def _blackout(timing: Timing, moment: datetime) -> Stretch | None:
    return stretch_around(timing.blackouts, moment, timing.zone) if timing.blackouts else None


def _blackout_after(timing: Timing, moment: datetime) -> datetime | None:
    return next_begin(timing.blackouts, moment, timing.zone) if timing.blackouts else None


def _key(nominal: datetime) -> str:
    return f"{nominal.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
