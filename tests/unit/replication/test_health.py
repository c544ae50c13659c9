from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.hypervisor.errors import HostLost, VmMissing
from holdfast.replication import health_texts
from holdfast.replication.cycles import Outcome
from holdfast.replication.health import HELD, health_of
from holdfast.replication.observed import Observed
from holdfast.replication.retrying import NO_FAILURE, after_failure
from holdfast.replication.settings import Limit, Paused
from holdfast.replication.spool_guard import Spooling
from holdfast.replication.states import Standing
from holdfast.replication.status import Health, Reason, Resync, State
from holdfast.replication.thresholds import Thresholds
from tests.unit.replication.observing import NOON, cycle, cycles, settings, well

MIN = timedelta(minutes=1)
W, C = Health.WARNING, Health.CRITICAL
_RANK = {Health.NORMAL: 0, W: 1, C: 2}
_LOST = HostLost(about="web", reason="gone")


def _reasons(seen: Observed, now: datetime = NOON) -> dict[str, Health]:
    return {each.code: each.health for each in health_of(seen, now).reasons}


def _in(state: State, **changes: Any) -> Observed:
    return well(standing=Standing(state=state), **changes)


def test_one_that_is_well_has_nothing_against_it() -> None:
    assert health_of(well(), NOON) == (Health.NORMAL, ())


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (_in(State.SUSPENDED), {"not-retried": C}),
        (well(tries=after_failure(NO_FAILURE, VmMissing(about="web"), NOON)), {"not-retried": C}),
        (well(tries=after_failure(NO_FAILURE, _LOST, NOON)), {"failing": W}),
        (_in(State.HOST_NOT_REGISTERED), {"host-not-registered": C}),
        (well(was_written=True), {"replica-was-written": C}),
        (_in(State.PAUSED), {"paused": W}),
        (well(resync=Resync(why="bitmap-lost", since=NOON)), {"resync-required": W}),
        (
            _in(
                State.RESYNCHRONIZING, cycles=cycles(*[Outcome.MISSED] * 3, *[Outcome.SHIPPED] * 9)
            ),
            {"resync-required": C, "cycles-missed": W},
        ),
        (_in(State.INITIAL_COPY, latest_at=None), {"initial-copy-unfinished": W}),
        (_in(State.WAITING_FOR_INITIAL_COPY, latest_at=None), {"initial-copy-unfinished": W}),
        (well(spooling=Spooling.WARNED), {"spool-filling": W}),
        (well(spooling=Spooling.STOPPED), {"spool-stopped": C}),
        (well(latest_app_at=NOON - 121 * MIN), {"app-point-overdue": W}),
        (well(latest_app_at=None), {"no-app-point": W}),
        (well(latest_app_at=None, settings=settings(app_every=0)), {}),
        (well(left_out={"vdb": "shared"}), {"disk-left-out": W}),
        (well(left_out={"vdb": "shared"}, settings=settings(left_out=("vdb",))), {}),
        (well(left_out={"sda": "readonly"}), {}),
        (well(scratch_share=0.3), {}),
        (well(scratch_share=0.31), {"scratch-filling": W}),
        (well(skew_seconds=-90.0), {"clock-skew": W}),
        (well(queue_bytes=8 << 20, throughput=1e6), {"upload-slow": W}),
        (well(queue_bytes=8 << 20, throughput=2e6), {}),
        (well(queue_bytes=1 << 20, throughput=1e5), {}),
        (well(queue_bytes=8 << 20, throughput=9e6, limit=50_000), {"upload-limited": W}),
    ],
)
def test_each_thing_that_is_wrong_has_its_reason(
    seen: Observed, expected: dict[str, Health]
) -> None:
    assert _reasons(seen) == expected


@pytest.mark.parametrize(
    ("missed", "expected"), [(2, {}), (3, {"cycles-missed": W}), (12, {"cycles-missed": W})]
)
def test_a_fifth_of_the_cycles_may_be_missed(missed: int, expected: dict[str, Health]) -> None:
    seen = well(cycles=cycles(*[Outcome.MISSED] * missed, *[Outcome.SHIPPED] * (12 - missed)))

    found = {k: v for k, v in _reasons(seen).items() if k == "cycles-missed"}

    assert found == expected


@pytest.mark.parametrize(
    ("every", "minutes", "expected"),
    [
        (900, 30, {}),
        (900, 31, {"rpo-high": W}),
        (900, 46, {"rpo-high": C}),
        (900, 61, {"rpo-high": C, "no-point": C, "no-success": W}),
        (300, 10, {}),
        (300, 11, {"rpo-high": W}),
        (30, 1, {}),
        (30, 2, {"rpo-high": W}),
    ],
)
def test_it_is_never_two_intervals_behind_without_a_warning(
    every: int, minutes: int, expected: dict[str, Health]
) -> None:
    seen = well(
        settings=settings(every=every, app_every=0), cycles=(), latest_at=NOON - minutes * MIN
    )

    assert _reasons(seen) == expected


def test_thresholds_are_what_somebody_set() -> None:
    own = settings(every=900, app_every=0, thresholds=Thresholds(rpo_warn=60, rpo_critical=120))

    found = _reasons(well(settings=own, cycles=(), latest_at=NOON - 3 * MIN))

    assert found == {"rpo-high": C}


def test_a_machine_that_is_off_and_over_there_is_not_behind() -> None:
    assert _reasons(_in(State.SYNCED, cycles=(), latest_at=NOON - 600 * MIN)) == {}


def test_one_that_was_behind_and_then_switched_off_is_not_behind_any_more() -> None:
    behind = health_of(well(latest_at=NOON - 11 * MIN), NOON)

    off = health_of(_in(State.SYNCED), NOON + timedelta(seconds=5), before=behind.reasons)

    assert off == (Health.NORMAL, ())


@pytest.mark.parametrize("state", [State.OFF, State.FAILOVER_WAITING, State.FAILED_OVER])
def test_nothing_is_asked_of_what_does_not_replicate(state: State) -> None:
    seen = _in(state, latest_at=NOON - 600 * MIN, spooling=Spooling.STOPPED)
    before = health_of(well(latest_at=NOON - 600 * MIN), NOON).reasons

    assert health_of(seen, NOON, before=before) == (Health.NORMAL, ())


@pytest.mark.parametrize("state", [State.FAILED_OVER, State.FAILOVER_WAITING, State.REPLICATING])
def test_a_machine_that_runs_at_both_hosts_is_critical_in_any_state(state: State) -> None:
    seen = _in(state, is_split=True)

    found = health_of(seen, NOON)

    assert found.health is Health.CRITICAL
    assert [reason.code for reason in found.reasons] == ["split-brain"]


def test_a_machine_that_waits_for_its_site_to_start_is_critical() -> None:
    assert _reasons(well(waits_for_site=True)) == {"waits-for-site": C}


def test_disks_that_change_faster_than_the_link_carries_are_critical() -> None:
    busy = tuple(cycle(NOON - n * 5 * MIN, dirty=1 << 30) for n in (3, 2, 1))

    found = _reasons(well(cycles=busy, throughput=2e6))

    assert found["churn-high"] is C
    assert "rpo-not-achievable" not in _reasons(well(cycles=busy, throughput=30e6))
    assert found["rpo-not-achievable"] is W


def test_a_limit_in_the_day_to_come_is_known_before_it_holds() -> None:
    night = (Limit(bytes_per_second=0, window="daily 20:00-06:00"),)

    found = _reasons(well(settings=settings(limits=night)))

    assert found == {"rpo-not-achievable": C}


def test_a_reason_remembers_since_when_it_is_so() -> None:
    first = health_of(well(spooling=Spooling.WARNED), NOON)

    second = health_of(well(spooling=Spooling.WARNED), NOON + MIN, before=first.reasons)

    assert second.reasons[0].since == NOON


def test_a_figure_that_goes_to_and_fro_keeps_its_warning() -> None:
    bad = health_of(well(latest_at=NOON - 11 * MIN), NOON)

    soon = health_of(well(latest_at=NOON), NOON + 9 * MIN, before=bad.reasons)
    late = health_of(well(latest_at=NOON + 5 * MIN), NOON + 10 * MIN, before=bad.reasons)

    assert soon.health is W
    assert late == (Health.NORMAL, ())


def test_what_was_critical_does_not_flap_to_a_warning_either() -> None:
    grave = health_of(well(latest_at=NOON - 46 * MIN), NOON)

    soon = health_of(well(latest_at=NOON - 19 * MIN), NOON + MIN, before=grave.reasons)
    late = health_of(well(latest_at=NOON - 9 * MIN), NOON + 11 * MIN, before=grave.reasons)

    assert soon.health is C
    assert late.health is W


def test_a_pause_that_is_over_leaves_nothing_behind() -> None:
    who = settings(paused=Paused(who="ada", since=NOON))
    paused = health_of(_in(State.PAUSED, settings=who), NOON)

    assert paused.reasons[0].figures["who"] == "ada"
    assert health_of(well(), NOON + MIN, before=paused.reasons).health is Health.NORMAL


def test_a_clock_that_was_set_back_holds_nothing_for_ever() -> None:
    bad = health_of(well(latest_at=NOON - 11 * MIN), NOON)
    earlier = NOON - timedelta(days=1)
    seen = well(latest_at=earlier - 5 * MIN, latest_app_at=earlier, cycles=())

    assert health_of(seen, earlier, before=bad.reasons) == (Health.NORMAL, ())


def test_points_of_the_future_say_that_a_clock_is_wrong() -> None:
    assert _reasons(well(latest_at=NOON + timedelta(hours=1))) == {"clock-skew": W}


_WORSE: dict[str, Callable[[Observed, float], Observed]] = {
    "latest": lambda s, by: replace(s, latest_at=s.latest_at and s.latest_at - by * MIN),
    "app": lambda s, by: replace(s, latest_app_at=s.latest_app_at and s.latest_app_at - by * MIN),
    "queue": lambda s, by: replace(s, queue_bytes=s.queue_bytes + int(by * (1 << 20))),
    "link": lambda s, by: replace(s, throughput=s.throughput and s.throughput / (1 + by)),
    "skew": lambda s, by: replace(s, skew_seconds=abs(s.skew_seconds or 0.0) + by),
    "limit": lambda s, by: replace(s, limit=s.limit and int(s.limit / (1 + by))),
    "written": lambda s, by: replace(s, was_written=s.was_written or by > 0),
    "spool": lambda s, by: replace(s, spooling=Spooling.STOPPED if by else s.spooling),
    "failing": lambda s, by: replace(s, tries=after_failure(s.tries, _LOST, NOON)) if by else s,
    "cycles": lambda s, by: replace(s, cycles=tuple(_missed(s, int(by)))),
    "churn": lambda s, by: replace(s, cycles=tuple(_busier(s, by))),
}


def _missed(seen: Observed, count: int) -> Any:
    for number, each in enumerate(seen.cycles):
        yield cycle(each.due, Outcome.MISSED) if number < count else each


def _busier(seen: Observed, by: float) -> Any:
    for each in seen.cycles:
        more = {disk: int(n * (1 + by)) for disk, n in each.dirty.items()}
        yield msgspec.structs.replace(each, dirty=more, log_bytes=int(each.log_bytes * (1 + by)))


_SEEN = st.builds(
    well,
    settings=st.sampled_from([settings(every=every) for every in (30, 300, 900)]),
    standing=st.sampled_from([Standing(state=s) for s in State if s is not State.OFF]),
    latest_at=st.one_of(st.none(), st.integers(-10, 120).map(lambda minutes: NOON - minutes * MIN)),
    throughput=st.one_of(st.none(), st.floats(1e3, 1e9)),
    limit=st.one_of(st.none(), st.integers(1, 10**9)),
    queue_bytes=st.integers(0, 1 << 34),
    skew_seconds=st.one_of(st.none(), st.floats(-1e4, 1e4)),
    cycles=st.lists(st.sampled_from(Outcome), max_size=14).map(lambda each: cycles(*each)),
)
_BEFORE = st.lists(
    st.builds(
        Reason,
        code=st.sampled_from(sorted(health_texts.CODES)),
        health=st.sampled_from([W, C]),
        since=st.just(NOON - 5 * MIN),
        last_at=st.integers(-20, 20).map(lambda minutes: NOON + minutes * MIN),
    ),
    max_size=4,
    unique_by=lambda reason: reason.code,
)
# What makes the newest point older also lets a clock seem less wrong, and a missed cycle hides what
# its log would have told of churn.
_APART = {"latest": {"clock-skew"}, "cycles": {"churn-high", "rpo-not-achievable"}}


@given(seen=_SEEN, before=_BEFORE, what=st.sampled_from(sorted(_WORSE)), by=st.floats(0, 100))
def test_a_worse_figure_never_makes_a_better_health(
    seen: Observed, before: list[Reason], what: str, by: float
) -> None:
    usual = health_of(seen, NOON, before=before)

    worse = health_of(_WORSE[what](seen, by), NOON, before=before)

    apart = _APART.get(what, set())
    graver = {each.code: each.health for each in worse.reasons}
    for reason in usual.reasons:
        if reason.code not in apart and reason.code != "upload-slow":
            assert _RANK[graver.get(reason.code, Health.NORMAL)] >= _RANK[reason.health]
    if not apart & {each.code for each in usual.reasons}:
        assert _RANK[worse.health] >= _RANK[usual.health]


@given(seen=_SEEN, before=_BEFORE)
def test_judging_twice_finds_the_same_and_every_reason_has_words(
    seen: Observed, before: list[Reason]
) -> None:
    first = health_of(seen, NOON, before=before)

    second = health_of(seen, NOON, before=first.reasons)

    assert second == first
    for reason in first.reasons:
        assert "<" not in health_texts.sentence(reason)
        assert health_texts.remedy(reason, vm="web", site="north")


def test_every_held_reason_has_words() -> None:
    assert HELD <= health_texts.CODES
