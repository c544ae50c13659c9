"""What a policy would keep, had it run all the time: its schedule and its retention, tried out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control.access import require
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.points import HoldView
from holdfast.app.control.policy_errors import RetentionTooShort
from holdfast.app.control.retaining import Told
from holdfast.app.control.shortening import require_floor
from holdfast.app.control.vault_rows import live_vault
from holdfast.catalog.tables import Vault
from holdfast.fleet.policies import Policy
from holdfast.fleet.policy_reading import read_policy
from holdfast.fleet.roles import Right
from holdfast.fleet.schedule import next_due
from holdfast.vault.policy.retention import Policy as Retention
from holdfast.vault.policy.retention import Verdict, plan_retention
from holdfast.vault.policy.retention_rules import Every, Rule, Unit, Within

MOST_SHOWN = 1000
_RUNS_SHOWN = 5
# As many runs are told apart at most; before them the last run of each day stands for it.
_MOST_RUNS = 5000
_LONGEST = timedelta(days=30 * 366)
# Without a rule that ends, as much is tried.
_USUAL = timedelta(days=366)
# So many pauses between runs are looked at for the longest.
_GAPS = 10
_DAYS = {
    Unit.HOURLY: 1 / 24,
    Unit.DAILY: 1.0,
    Unit.WEEKLY: 7.0,
    Unit.MONTHLY: 31.0,
    Unit.YEARLY: 366.0,
}
_TICK = timedelta.resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPoint:
    taken_at: datetime
    holds: list[HoldView]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    rule: str
    # How many points it holds, some of them together with others.
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionTrial:
    """What there would be now; at most a thousand points are listed, newest first."""

    count: int
    points: list[TriedPoint]
    rules: list[RuleCount]
    oldest_at: datetime | None
    # Some are kept until somebody changes the policy: there would be more with every year.
    is_forever: bool
    # Runs come so often that older ones were tried one a day.
    is_thinned: bool
    next_runs: list[datetime]
    # The vault would refuse it: why.
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    # Newest first.
    moments: list[datetime]
    is_thinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """How old a point can be that a rule still holds."""

    whole: timedelta
    # How far back more than the last point of a day can matter.
    fine: timedelta
    # So many of the newest in any case.
    least: int


def try_policy(plane: Plane, actor: Actor, vault: str, body: dict[str, Any]) -> RetentionTrial:
    """Nothing is changed, and no point that is there is looked at."""
    with plane.database.read() as db:
        row = live_vault(db, vault)
        require(db, actor, Right.READ, row.id)
        policy = read_policy(body)
        refused = _refusal(row, policy)
    return tried(policy, now=plane.clock.now(), refused=refused)


def tried(policy: Policy, *, now: datetime, refused: str | None = None) -> RetentionTrial:
    runs = _runs(policy, now)
    retention = Retention(rules=policy.rules, zone=policy.place)
    plan = plan_retention(map(_point, runs.moments), retention, now=now)
    kept = [verdict for verdict in plan.verdicts if verdict.keep]
    counts = Counter(_rule(hold.rule) for verdict in kept for hold in verdict.holds)
    return RetentionTrial(
        count=len(kept),
        points=[_view(verdict) for verdict in kept[:MOST_SHOWN]],
        rules=[RuleCount(rule=rule, points=count) for rule, count in counts.items()],
        oldest_at=min((verdict.point.taken_at for verdict in kept), default=None),
        is_forever=any(hold.is_forever for verdict in kept for hold in verdict.holds),
        is_thinned=runs.is_thinned,
        next_runs=list(_next_runs(policy, now)),
        refused=refused,
    )


def _refusal(vault: Vault, policy: Policy) -> str | None:
    try:
        require_floor(vault, policy)
    except RetentionTooShort as err:
        return str(err)
    return None


def _runs(policy: Policy, now: datetime) -> _Runs:
    """When the schedule would have run, as far back as a rule looks."""
    reach = _reach_of(policy, now)
    moments, is_thinned = list[datetime](), False
    moment = policy.timing.schedule.last_until(now, policy.place)
    while moment >= now - reach.whole or len(moments) < reach.least:
        moments.append(moment)
        is_full = len(moments) >= _MOST_RUNS
        is_fine = moment >= now - reach.fine or len(moments) < reach.least
        is_thinned = is_thinned or (is_full and is_fine)
        moment = _before(policy, moment, is_thin=is_full or not is_fine)
    return _Runs(moments=moments, is_thinned=is_thinned)


def _before(policy: Policy, moment: datetime, *, is_thin: bool = False) -> datetime:
    """The run before this one; of thin ones the last of a day before."""
    if is_thin:
        local = moment.astimezone(policy.place)
        moment = min(moment, local.replace(hour=0, minute=0, second=0, microsecond=0))
    return policy.timing.schedule.last_until(moment - _TICK, policy.place)


def _reach_of(policy: Policy, now: datetime) -> _Reach:
    gap, rules = _gap(policy, now), policy.rules
    if not rules:
        return _Reach(whole=_USUAL, fine=_USUAL, least=1)
    fine = [_span(rule, gap) for rule in rules if _is_fine(rule)]
    lasts = [rule.count or 0 for rule in rules if isinstance(rule, Every) and _is_last(rule)]
    return _Reach(
        # A month more, for the one that has just begun.
        whole=min(_LONGEST, max(_span(rule, gap) for rule in rules) + timedelta(days=40)),
        fine=max([*fine, timedelta(days=2)]),
        least=min(_MOST_RUNS, max([*lasts, 1])),
    )


def _gap(policy: Policy, now: datetime) -> timedelta:
    """The longest pause between runs: periods without a point are not counted by a rule."""
    moment, found = policy.timing.schedule.last_until(now, policy.place), _TICK
    for _number in range(_GAPS):
        former = _before(policy, moment)
        found, moment = max(found, moment - former), former
    return found


def _is_last(rule: Rule) -> bool:
    return isinstance(rule, Every) and rule.unit is Unit.LAST


def _is_fine(rule: Rule) -> bool:
    return getattr(rule, "unit", Unit.DAILY) in (None, Unit.HOURLY)


def _span(rule: Rule, gap: timedelta) -> timedelta:
    if isinstance(rule, Within):
        span = rule.span
        days = span.years * 366 + span.months * 31 + span.days
        return min(_LONGEST, timedelta(days=days, hours=span.hours))
    if not isinstance(rule, Every) or rule.count is None:
        return _USUAL
    each = 0.0 if _is_last(rule) else max(_DAYS[rule.unit], gap / timedelta(days=1))
    return timedelta(days=min(rule.count * each, _LONGEST.days))


def _next_runs(policy: Policy, now: datetime) -> Iterator[datetime]:
    moment = now
    for _number in range(_RUNS_SHOWN):
        found = next_due(policy.timing, moment, seed="")
        if found is None:
            return
        moment = found.at
        yield moment


def _point(moment: datetime) -> Told:
    return Told(id=moment.isoformat(), taken_at=moment, host="", paths=(), tags=frozenset())


def _rule(name: str) -> str:
    """Of the oldest point, that a rule holds because its number is not reached, the rule itself."""
    return name.removesuffix(", oldest")


def _view(verdict: Verdict[Told]) -> TriedPoint:
    holds = [HoldView(rule=h.rule, until=h.until, is_forever=h.is_forever) for h in verdict.holds]
    return TriedPoint(taken_at=verdict.point.taken_at, holds=holds)
