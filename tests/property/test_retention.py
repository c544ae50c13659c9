"""What must hold for any points and any rules."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.vault.policy.calendar import Slot, Span
from holdfast.vault.policy.retention import Policy, plan_retention
from holdfast.vault.policy.retention_rules import Every, Rule, Tagged, Unit, Within

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
ZONES = st.sampled_from(
    [None, *(ZoneInfo(name) for name in ("Asia/Seoul", "Europe/Berlin", "Australia/Lord_Howe"))]
)


@dataclass(frozen=True)
class At:
    taken_at: datetime
    tags: frozenset[str]
    host: str
    paths: tuple[str, ...] = ("/",)

    @property
    def id(self) -> str:
        return f"{self.taken_at.isoformat()} {self.host} {sorted(self.tags)}"


points = st.lists(
    st.builds(
        At,
        taken_at=st.integers(-20_000, 30).map(lambda hours: NOW + timedelta(hours=hours)),
        tags=st.frozensets(st.sampled_from(["a", "b"])),
        host=st.sampled_from(["alpha", "beta"]),
    ),
    max_size=60,
    unique_by=lambda point: point.id,
)
counts = st.one_of(st.none(), st.integers(1, 12))
weekdays, months, ordinals = (
    st.integers(0, 6),
    st.integers(1, 12),
    st.sampled_from([0, 1, 2, 3, -1]),
)
days = st.integers(1, 31)
rules: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Every, unit=st.sampled_from(Unit), count=counts),
    st.builds(
        Every, unit=st.just(Unit.WEEKLY), count=counts, slot=st.builds(Slot, weekday=weekdays)
    ),
    st.builds(
        Every,
        unit=st.just(Unit.MONTHLY),
        count=counts,
        slot=st.one_of(
            st.builds(Slot, weekday=weekdays, ordinal=ordinals), st.builds(Slot, day=days)
        ),
    ),
    st.builds(
        Every,
        unit=st.just(Unit.YEARLY),
        count=counts,
        slot=st.one_of(
            st.builds(Slot, weekday=weekdays, ordinal=ordinals, month=months),
            st.builds(Slot, day=days, month=months),
        ),
    ),
    st.builds(
        Within,
        span=st.builds(
            Span,
            years=st.integers(0, 2),
            months=st.integers(0, 14),
            days=st.integers(0, 40),
            hours=st.integers(0, 30),
        ),
        unit=st.one_of(st.none(), st.sampled_from(Unit)),
    ),
    st.builds(Tagged, tags=st.frozensets(st.sampled_from(["a", "b"]))),
)
policies = st.builds(Policy, rules=st.lists(rules, max_size=5).map(tuple), zone=ZONES)


@given(points, policies)
def test_every_point_gets_one_verdict_and_each_group_keeps_its_newest(
    found: list[At], policy: Policy
) -> None:
    plan = plan_retention(found, policy, now=NOW)

    assert sorted(point.id for point in [*plan.keep, *plan.remove]) == sorted(p.id for p in found)
    for group in plan.groups:
        plausible = [verdict for verdict in group.verdicts if not verdict.is_implausible]
        assert not plausible or plausible[0].keep


@given(points, policies)
def test_to_decide_twice_removes_nothing_more(found: list[At], policy: Policy) -> None:
    once = plan_retention(found, policy, now=NOW).keep

    assert plan_retention(once, policy, now=NOW).remove == []


@given(points, policies, rules)
def test_another_rule_only_keeps_more(found: list[At], policy: Policy, rule: Rule) -> None:
    before = plan_retention(found, policy, now=NOW)
    more = Policy(rules=(*policy.rules, rule), zone=policy.zone)

    after = plan_retention(found, more, now=NOW)

    if policy.rules:
        # But for the newest point, which may have been held by that alone.
        assert {point.id for point in before.keep} <= {point.id for point in after.keep}


@given(points, policies)
def test_what_comes_from_the_future_changes_no_other_verdict(
    found: list[At], policy: Policy
) -> None:
    forged = [At(NOW + timedelta(days=day), frozenset(), "alpha") for day in (2, 30, 30_000)]

    before = plan_retention(found, policy, now=NOW)
    after = plan_retention([*found, *forged], policy, now=NOW)

    assert {point.id for point in after.remove} == {point.id for point in before.remove}


@given(points, rules.filter(lambda rule: not isinstance(rule, Tagged)), ZONES, st.floats(0, 1))
@example([At(NOW, frozenset(), "alpha")], Every(unit=Unit.HOURLY, count=1), None, 1)
@example([At(NOW, frozenset(), "alpha")], Every(unit=Unit.DAILY, count=3), None, 0.01)
def test_nothing_is_let_go_before_the_moment_told(
    found: list[At], rule: Rule, zone: ZoneInfo | None, share: float
) -> None:
    """A new point may come at any time; until then, what was promised holds."""
    policy = Policy(rules=(rule,), zone=zone)
    verdicts = plan_retention(found, policy, now=NOW).verdicts

    for verdict in verdicts:
        if verdict.until is None or verdict.is_implausible or verdict.until <= NOW:
            continue
        last = min(verdict.until - timedelta(seconds=1), NOW + timedelta(days=300))
        soon = NOW + share * (last - NOW)
        late = At(soon, frozenset(), verdict.point.host)
        if late.taken_at > max(point.taken_at for point in found):
            again = plan_retention([*found, late], policy, now=soon)
            assert verdict.point in again.keep
