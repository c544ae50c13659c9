from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.churn import churn_of, packing, total
from holdfast.replication.cycles import Cycle, Outcome
from holdfast.replication.rpo import Piece, achievable, limit_at, pieces_of, rpo_at
from holdfast.replication.settings import Limit

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
_RATES = st.floats(0, 1e9)


def _cycle(seconds: int, **dirty: int) -> Cycle:
    at = NOON + timedelta(seconds=seconds)
    return Cycle(
        due=at,
        begun=at,
        ended=at,
        outcome=Outcome.SHIPPED,
        generation=f"g{seconds}",
        dirty=dirty,
        log_bytes=sum(dirty.values()) // 2,
    )


def test_what_would_be_lost_is_reckoned_from_the_newest_instant_over_there() -> None:
    assert rpo_at(NOON - timedelta(seconds=90), NOON) == 90.0
    assert rpo_at(None, NOON) is None


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    assert rpo_at(NOON + timedelta(hours=3), NOON) == 0.0


def test_with_room_on_the_link_it_is_an_interval_and_the_time_a_log_takes() -> None:
    assert achievable(churn=1e6, link=10e6, every=300.0, overhead=2.0) == 300 + 2 + 30


def test_on_a_link_that_carries_half_it_falls_behind_by_half_of_the_time() -> None:
    hour = [Piece(seconds=3600)]

    assert achievable(churn=2e6, link=1e6, every=30.0, pieces=hour) == 30 + 1800 + 30


def test_a_night_in_which_nothing_may_be_sent_is_as_long_as_the_night() -> None:
    day = [Piece(seconds=8 * 3600, rate=0.0), Piece(seconds=16 * 3600)]

    assert achievable(churn=1.0, link=1e6, every=300.0, pieces=day) >= 8 * 3600


@given(churn=_RATES, link=st.floats(1, 1e9), more=_RATES, every=st.sampled_from([30, 300, 900]))
def test_more_writing_or_less_link_is_never_better(
    churn: float, link: float, more: float, every: int
) -> None:
    usual = achievable(churn=churn, link=link, every=every)

    assert achievable(churn=churn + more, link=link, every=every) >= usual - 1e-6
    assert achievable(churn=churn, link=link + more, every=every) <= usual + 1e-6
    assert usual >= every


def test_limits_are_pieces_of_the_day_to_come() -> None:
    limits = (
        Limit(bytes_per_second=1000, window="daily 08:00-18:00"),
        Limit(bytes_per_second=5000),
    )

    pieces = pieces_of(limits, NOON, ZONE)

    assert [(piece.seconds / 3600, piece.rate) for piece in pieces] == [
        (6.0, 1000),
        (14.0, 5000),
        (4.0, 1000),
    ]
    assert limit_at(limits, NOON, ZONE) == (1000, NOON + timedelta(hours=6))
    assert pieces_of((), NOON, ZONE)[0].rate is None


def test_churn_is_what_cycles_found_over_the_time_between_them() -> None:
    cycles = [_cycle(0, vda=10**9), _cycle(30, vda=3000, vdb=600), _cycle(60, vda=3000)]

    found = churn_of(cycles, NOON + timedelta(minutes=1))

    assert [(each.target, each.dirty_bytes_per_second) for each in found] == [
        ("vda", 100.0),
        ("vdb", 10.0),
    ]
    assert total(found) == 110.0


def test_of_one_cycle_nothing_can_be_told() -> None:
    assert churn_of([_cycle(0, vda=1)], NOON) == ()


def test_a_clock_set_back_between_cycles_makes_no_negative_churn() -> None:
    assert churn_of([_cycle(60, vda=1), _cycle(0, vda=1)], NOON) == ()


def test_packing_is_what_logs_need_for_what_was_dirty() -> None:
    assert packing([_cycle(0, vda=1000)]) == 0.5
    assert packing([]) == 1.0


@pytest.mark.parametrize("minutes", [15, 60])
def test_old_cycles_do_not_count_for_recent_churn(minutes: int) -> None:
    cycles = [_cycle(0, vda=1), _cycle(30, vda=10**9)]
    later = [_cycle(7200 + 30 * number, vda=300) for number in range(3)]

    found = churn_of(
        cycles + later, NOON + timedelta(seconds=7260), window=timedelta(minutes=minutes)
    )

    # The cycle before the window tells since when the first one in it was written.
    assert total(found) == pytest.approx(900 / 7230)
