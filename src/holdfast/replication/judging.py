"""What is against a replication at this moment, reason by reason.

Each judge looks at one thing and finds at most one reason; figures are told raw, in bytes, seconds
and shares, and `health_texts` makes sentences of them. A figure that is worse never makes a reason
milder.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from holdfast.base.units import MIB
from holdfast.machines.vm_disks import NOT_MISSED
from holdfast.replication.cycles import missed_in, missed_share, well_until, window_of
from holdfast.replication.least_age import age_of
from holdfast.replication.link_use import achievable_of, limit_ends, link_of, need_of, speed_of
from holdfast.replication.observed import Observed
from holdfast.replication.retrying import is_change
from holdfast.replication.spool_guard import Spooling
from holdfast.replication.status import Health, State
from holdfast.replication.thresholds import MOST_INTERVALS

# Less than this in the queue is on its way within moments.
_WAITING_BYTES: Final = 4 * MIB

# Nothing is asked of what was switched off, or has moved over.
DONE: Final = frozenset({State.OFF, State.FAILOVER_WAITING, State.FAILED_OVER})
_FIRST: Final = frozenset(
    {State.READY_FOR_INITIAL_COPY, State.WAITING_FOR_INITIAL_COPY, State.INITIAL_COPY}
)
_RESYNC: Final = frozenset({State.RESYNC_REQUIRED, State.RESYNCHRONIZING})


class Finding(NamedTuple):
    code: str
    health: Health
    figures: dict[str, str]


Judge: TypeAlias = Callable[[Observed, datetime], Finding | None]


def judged(seen: Observed, now: datetime) -> Iterator[Finding]:
    """All there is, at this very moment."""
    judges = _JUDGES if seen.standing.state not in DONE else ()
    for judge in (*_ALWAYS, *judges):
        found = judge(seen, now)
        if found is not None:
            yield found


def _split_brain(seen: Observed, _now: datetime) -> Finding | None:
    return Finding("split-brain", Health.CRITICAL, {}) if seen.is_split else None


def _waits_for_site(seen: Observed, _now: datetime) -> Finding | None:
    return Finding("waits-for-site", Health.CRITICAL, {}) if seen.waits_for_site else None


def _not_retried(seen: Observed, _now: datetime) -> Finding | None:
    if not seen.tries.is_over and seen.standing.state is not State.SUSPENDED:
        return None
    return Finding("not-retried", Health.CRITICAL, _error(seen))


def _failing(seen: Observed, _now: datetime) -> Finding | None:
    if not seen.tries.failures or seen.tries.is_over or is_change(seen.tries):
        return None
    figures = _error(seen)
    if seen.tries.next_at is not None:
        figures["next_at"] = seen.tries.next_at.isoformat()
    return Finding("failing", Health.WARNING, figures)


def _error(seen: Observed) -> dict[str, str]:
    tries = seen.tries
    return {"error": tries.code, "sentence": tries.sentence, "failures": str(tries.failures)}


def _host_not_registered(seen: Observed, _now: datetime) -> Finding | None:
    if seen.standing.state is not State.HOST_NOT_REGISTERED:
        return None
    return Finding("host-not-registered", Health.CRITICAL, {})


def _written(seen: Observed, _now: datetime) -> Finding | None:
    return Finding("replica-was-written", Health.CRITICAL, {}) if seen.was_written else None


def _resync(seen: Observed, now: datetime) -> Finding | None:
    """Worse than a warning when it costs cycles, which is what a comparison is there to avoid."""
    if seen.resync is None and seen.standing.state not in _RESYNC:
        return None
    limits = seen.settings.thresholds
    share = missed_share(seen.cycles, now, seen.every)
    behind = seen.behind_at(now)
    is_worse = share > limits.missed_warn or (behind is not None and behind > limits.rpo_warn)
    figures = {"share": _number(share)}
    if seen.resync is not None:
        figures |= {"why": seen.resync.why, "at": _moment(seen.resync.at)}
    return Finding("resync-required", Health.CRITICAL if is_worse else Health.WARNING, figures)


def _paused(seen: Observed, _now: datetime) -> Finding | None:
    if seen.standing.state is not State.PAUSED:
        return None
    figures = {"pending_bytes": str(seen.pending_bytes)}
    if paused := seen.settings.paused:
        figures |= {"who": paused.who, "at": paused.since.isoformat()}
    return Finding("paused", Health.WARNING, figures)


def _unfinished(seen: Observed, _now: datetime) -> Finding | None:
    if seen.standing.state not in _FIRST and seen.latest_at is not None:
        return None
    figures = {"done_bytes": str(seen.walked_bytes), "whole_bytes": str(seen.walk_bytes)}
    return Finding("initial-copy-unfinished", Health.WARNING, figures)


def _rpo(seen: Observed, now: datetime) -> Finding | None:
    """Never more than two intervals behind without a word, however short they are."""
    behind = seen.behind_at(now)
    if behind is None or _is_in_step(seen):
        return None
    limits = seen.settings.thresholds
    warn = min(limits.rpo_warn, MOST_INTERVALS * seen.settings.every)
    health = _of_two(behind, warn, limits.rpo_critical)
    return Finding("rpo-high", health, {"rpo_seconds": _number(behind)}) if health else None


def _no_point(seen: Observed, now: datetime) -> Finding | None:
    if seen.latest_at is None or _is_in_step(seen):
        return None
    age = max(age_of(seen.latest_at, now), seen.least_behind)
    if age <= seen.settings.thresholds.point_critical:
        return None
    return Finding("no-point", Health.CRITICAL, {"age_seconds": _number(age)})


def _no_success(seen: Observed, now: datetime) -> Finding | None:
    if seen.latest_at is None or _is_in_step(seen):
        return None
    since = well_until(seen.cycles, seen.since, seen.latest_at)
    age = max(age_of(since, now), seen.least_since_success)
    if age <= seen.settings.thresholds.success_warn:
        return None
    return Finding("no-success", Health.WARNING, {"age_seconds": _number(age)})


def _missed(seen: Observed, now: datetime) -> Finding | None:
    """Before there is a first point, no cycle is expected to make one."""
    if seen.standing.state in _FIRST:
        return None
    share = missed_share(seen.cycles, now, seen.every)
    if share <= seen.settings.thresholds.missed_warn:
        return None
    seen_in = window_of(seen.cycles, now, seen.every)
    figures = {
        "share": _number(share),
        "missed": str(missed_in(seen_in, now, seen.every)),
        "cycles": str(len(seen_in)),
    }
    return Finding("cycles-missed", Health.WARNING, figures)


def _left_out(seen: Observed, _now: datetime) -> Finding | None:
    """Plugged in since somebody looked at all of them, mostly: no point has them."""
    agreed = seen.settings.left_out
    disks = {each: why for each, why in seen.left_out.items() if each not in agreed}
    missed = {each: why for each, why in disks.items() if why != NOT_MISSED}
    if not missed:
        return None
    figures = {"disks": ", ".join(f"{each} ({why})" for each, why in sorted(missed.items()))}
    return Finding("disk-left-out", Health.WARNING, figures)


def _app(seen: Observed, now: datetime) -> Finding | None:
    """Only where they are wanted, and where there are points at all."""
    wanted = seen.settings.app_every
    if not wanted or seen.latest_at is None or _is_in_step(seen):
        return None
    age = max(age_of(seen.latest_app_at or seen.since, now), seen.least_since_app)
    if age <= wanted * seen.settings.thresholds.app_late:
        return None
    figures = {"age_seconds": _number(age), "wanted_seconds": str(wanted)}
    if seen.latest_app_at is None:
        return Finding("no-app-point", Health.WARNING, figures)
    return Finding("app-point-overdue", Health.WARNING, figures)


def _spool(seen: Observed, _now: datetime) -> Finding | None:
    figures = {"share": _number(seen.spool.share), "free_bytes": str(seen.spool.free)}
    match seen.spooling:
        case Spooling.STOPPED:
            return Finding("spool-stopped", Health.CRITICAL, figures)
        case Spooling.WARNED:
            return Finding("spool-filling", Health.WARNING, figures)
        case Spooling.FREE:
            return None


def _scratch(seen: Observed, _now: datetime) -> Finding | None:
    """The more a guest overwrites while a step is read, the nearer it is to being ended."""
    if seen.scratch_share <= seen.settings.scratch.warn:
        return None
    figures = {"share": _number(seen.scratch_share)}
    return Finding("scratch-filling", Health.WARNING, figures)


def _upload(seen: Observed, now: datetime) -> Finding | None:
    """Slow by itself, or because somebody wanted it so."""
    slow = seen.settings.thresholds.slow_bytes_per_second
    if seen.queue_bytes < _WAITING_BYTES:
        return None
    figures = {"queue_bytes": str(seen.queue_bytes)}
    if seen.limit is not None and seen.limit < slow:
        figures |= {"rate_bytes": str(seen.limit), "at": _moment(limit_ends(seen, now))}
        return Finding("upload-limited", Health.WARNING, figures)
    # A small log takes as long as its way back and forth, which says nothing of the link.
    speed = speed_of(seen, now, least=_WAITING_BYTES)
    if speed is None or speed >= slow:
        return None
    figures["rate_bytes"] = _number(speed)
    return Finding("upload-slow", Health.WARNING, figures)


def _churn(seen: Observed, now: datetime) -> Finding | None:
    """What the disks write against what the link has carried, or may carry."""
    need, link = need_of(seen, now), link_of(seen)
    if not need or link is None:
        return None
    limits = seen.settings.thresholds
    share = need / link if link else float("inf")
    health = _of_two(share, limits.churn_warn, limits.churn_critical)
    figures = {"rate_bytes": _number(need), "link_bytes": _number(link)}
    return Finding("churn-high", health, figures) if health else None


def _achievable(seen: Observed, now: datetime) -> Finding | None:
    best = achievable_of(seen, now)
    if best is None:
        return None
    limits = seen.settings.thresholds
    warn = max(limits.achievable_warn, MOST_INTERVALS * seen.settings.every)
    health = _of_two(best, warn, max(limits.achievable_critical, warn))
    return Finding("rpo-not-achievable", health, {"rpo_seconds": _number(best)}) if health else None


def _skew(seen: Observed, now: datetime) -> Finding | None:
    """Clocks that differ, or one that was set back: then the newest point is of the future."""
    ahead = (seen.latest_at - now).total_seconds() if seen.latest_at else 0.0
    skew = max(abs(seen.skew_seconds or 0.0), ahead)
    if skew <= seen.settings.thresholds.skew_warn:
        return None
    return Finding("clock-skew", Health.WARNING, {"skew_seconds": _number(skew)})


def _is_in_step(seen: Observed) -> bool:
    """Off, and all of it is over there: nothing would be lost, however long ago that was."""
    return seen.standing.state is State.SYNCED


def _of_two(value: float, warn: float, critical: float) -> Health | None:
    if value > critical:
        return Health.CRITICAL
    return Health.WARNING if value > warn else None


def _number(value: float) -> str:
    return f"{value:.6g}"


def _moment(when: datetime | None) -> str:
    return when.isoformat() if when else ""


# Whatever state it is in.
_ALWAYS: Final[tuple[Judge, ...]] = (_split_brain, _waits_for_site)
# The gravest first: a person reads the first of them.
_JUDGES: Final[tuple[Judge, ...]] = (
    _host_not_registered,
    _written,
    _not_retried,
    _spool,
    _resync,
    _no_point,
    _rpo,
    _paused,
    _failing,
    _unfinished,
    _no_success,
    _missed,
    _left_out,
    _scratch,
    _churn,
    _achievable,
    _upload,
    _app,
    _skew,
)
