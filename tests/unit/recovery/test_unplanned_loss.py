"""What an unplanned failover says was lost: from the point until the machine was heard last."""

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.recovery.desk import Heard
from holdfast.recovery.record import Act, ActKind, StepNote, StepState
from holdfast.recovery.unplanned import loss_seconds, lost_by
from holdfast.replication.site_orders import SourceTidings

POINT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEGUN = POINT + timedelta(hours=1)


def heard(after: float) -> Heard:
    return Heard(at=POINT + timedelta(seconds=after), tidings=SourceTidings(is_active=True))


def test_it_ends_when_the_source_was_heard_last() -> None:
    assert loss_seconds(POINT, heard=heard(42), begun_at=BEGUN) == 42.0


def test_of_one_that_was_never_heard_all_until_now_may_be_lost() -> None:
    assert loss_seconds(POINT, heard=None, begun_at=BEGUN) == 3600.0


def test_a_source_that_came_back_in_between_makes_it_no_more() -> None:
    assert loss_seconds(POINT, heard=heard(9000), begun_at=BEGUN) == 3600.0


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=-3)])
def test_clocks_that_differ_make_it_no_more_and_no_less(ahead: timedelta) -> None:
    """The point has its time from the source, and so has what the source said last."""
    point = POINT + ahead
    known, late = (
        Heard(at=at, tidings=SourceTidings(now=at + ahead))
        for at in (POINT + timedelta(seconds=42), BEGUN + timedelta(hours=1))
    )

    assert loss_seconds(point, heard=known, begun_at=BEGUN) == 42.0
    assert loss_seconds(point, heard=late, begun_at=BEGUN) == 3600.0


def test_a_clock_that_runs_ahead_makes_it_not_less_than_nothing() -> None:
    assert loss_seconds(POINT, heard=heard(-5), begun_at=BEGUN) == 0.0


def act(**more: object) -> Act:
    given = StepNote(name="epoch", state=StepState.DONE, began_at=BEGUN + timedelta(minutes=5))
    return Act(
        id="one",
        kind=ActKind.UNPLANNED,
        who="ada",
        begun_at=BEGUN,
        steps=(given,),
        **more,  # type: ignore[arg-type]  # of the struct
    )


def lost(what: Act, generation: str, heard_after: float) -> float:
    return lost_by(what, generation=generation, taken_at=POINT, heard=heard(heard_after))


def test_of_what_was_handed_over_nothing_is_lost() -> None:
    assert lost(act(handed_over="g9"), "g9", 9000) == 0.0


def test_of_an_older_point_it_is() -> None:
    assert lost(act(handed_over="g9"), "g1", 42) == 42.0


def test_what_it_wrote_while_it_was_shut_down_counts_until_it_was_given_away() -> None:
    assert lost(act(), "g1", 9000) == 3900.0
