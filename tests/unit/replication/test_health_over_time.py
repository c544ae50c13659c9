"""Health as time goes on: it does not flap, and clocks may be set as anybody likes."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.health import Judgement, health_of
from holdfast.replication.judged_status import status_of
from holdfast.replication.status import Health, Reason
from tests.unit.replication.observing import NOON, settings, well

EVERY = 300
# At five minutes it is behind above ten.
_LIMIT = 2 * EVERY
_TICK = timedelta(seconds=5)
HOLD = timedelta(seconds=2 * EVERY)


def _judged(ages: list[int]) -> list[tuple[datetime, int, Judgement]]:
    """Every five seconds, with the newest point as old as it is told."""
    before: tuple[Reason, ...] = ()
    found = []
    for number, age in enumerate(ages):
        now = NOON + number * _TICK
        seen = well(
            settings=settings(every=EVERY, app_every=0),
            cycles=(),
            latest_at=now - timedelta(seconds=age),
        )
        judged = health_of(seen, now, before=before)
        before = judged.reasons
        found.append((now, age, judged))
    return found


@given(st.lists(st.sampled_from([_LIMIT - 1, _LIMIT + 1]), min_size=2, max_size=200))
def test_to_and_fro_at_a_threshold_is_one_warning(ages: list[int]) -> None:
    judged = _judged(ages)

    bad = [now for now, age, _judgement in judged if age > _LIMIT]
    for now, _age, judgement in judged:
        is_held = any(timedelta(0) <= now - at < HOLD for at in bad)
        assert (judgement.health is not Health.NORMAL) == is_held
    sinces = {one.since for _now, _age, judgement in judged for one in judgement.reasons}
    gaps = sum(later - sooner >= HOLD for sooner, later in pairwise(bad))
    assert len(sinces) <= gaps + 1


@given(
    st.lists(st.tuples(st.integers(-7200, 7200), st.integers(-600, 7200)), min_size=1, max_size=60)
)
def test_clocks_that_are_set_as_anybody_likes_break_nothing(
    moves: list[tuple[int, int]],
) -> None:
    now, status = NOON, None
    for jump, age in moves:
        now += timedelta(seconds=jump)
        seen = well(latest_at=now - timedelta(seconds=age), latest_app_at=now, since=NOON)
        status = status_of(seen, now, before=status)

        assert status.rpo_seconds is not None
        assert status.rpo_seconds >= 0
        assert all(reason.since <= now for reason in status.reasons)
        if age > 2 * EVERY:
            assert status.health is not Health.NORMAL


@given(st.integers(1, 10 * 86400))
def test_a_wrong_clock_that_is_right_again_leaves_no_reason_for_ever(ahead: int) -> None:
    wrong = NOON + timedelta(seconds=ahead)
    seen = well(latest_at=NOON, cycles=(), latest_app_at=wrong)
    before = health_of(seen, wrong).reasons

    right = well(latest_at=NOON, cycles=(), latest_app_at=NOON)
    after = health_of(right, NOON + HOLD, before=before)

    assert [one for one in after.reasons if one.code != "clock-skew"] == []
