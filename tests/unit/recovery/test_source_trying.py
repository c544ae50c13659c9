"""How long a source that is tried once more is waited for."""

from datetime import UTC, datetime

import pytest

from holdfast.recovery.record import Act, ActKind, StepNote, StepState
from holdfast.recovery.source_silence import BUSY_FOR
from holdfast.recovery.source_trying import ANSWER_SECONDS, LEAST_SYNC_SECONDS, InTime
from holdfast.recovery.trying_errors import SourceNoAnswer, SourceTooSlow
from holdfast.recovery.unplanned import what_came_of_trying
from holdfast.replication.site_orders import OrderKind, SourceTidings
from holdfast.testing.clock import FakeClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUSY = BUSY_FOR.total_seconds()
RUNS, OFF = SourceTidings(is_active=True), SourceTidings(is_active=False)


def in_time(kind: OrderKind, clock: FakeClock, patience: float = 100.0) -> InTime:
    return InTime(clock=clock, about="web", kind=kind, patience=patience)


def waited(what: InTime, clock: FakeClock, seconds: float) -> None:
    """Just as long as it may take; raises if that is too long."""
    clock.sleep(seconds)
    what.look()


def test_a_dead_source_costs_seconds() -> None:
    clock = FakeClock()
    what = in_time(OrderKind.CATCH_UP, clock)
    waited(what, clock, ANSWER_SECONDS)

    with pytest.raises(SourceNoAnswer):
        waited(what, clock, 0.1)


def test_one_that_waits_for_an_agent_may_be_silent_longer() -> None:
    clock = FakeClock()
    what = in_time(OrderKind.HAND_OVER, clock)
    waited(what, clock, BUSY)

    with pytest.raises(SourceNoAnswer):
        waited(what, clock, 0.1)


def test_one_that_was_told_by_a_run_before_may_still_be_at_it() -> None:
    clock = FakeClock()
    what = in_time(OrderKind.CATCH_UP, clock)
    what.is_busy = True
    waited(what, clock, BUSY)

    with pytest.raises(SourceNoAnswer):
        waited(what, clock, 0.1)


def test_what_changed_so_far_has_the_time_of_the_shut_down() -> None:
    clock = FakeClock()
    what = in_time(OrderKind.CATCH_UP, clock)
    clock.sleep(ANSWER_SECONDS)
    what.heard(RUNS)
    waited(what, clock, 100.0)

    with pytest.raises(SourceTooSlow):
        waited(what, clock, 0.1)


def test_the_last_changes_have_all_of_it_once_the_guest_is_off() -> None:
    clock = FakeClock()
    what = in_time(OrderKind.HAND_OVER, clock)
    what.heard(RUNS)
    waited(what, clock, 100.0 + BUSY)
    what.heard(OFF)
    clock.sleep(50.0)
    what.heard(OFF)
    waited(what, clock, 50.0)

    with pytest.raises(SourceTooSlow):
        waited(what, clock, 0.1)


def test_a_guest_without_patience_leaves_its_changes_some_time() -> None:
    clock = FakeClock()
    what = in_time(OrderKind.HAND_OVER, clock, patience=1.0)
    what.heard(OFF)
    waited(what, clock, LEAST_SYNC_SECONDS)

    with pytest.raises(SourceTooSlow):
        waited(what, clock, 0.1)


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        (StepState.DONE, "", "handed-over"),
        (StepState.SKIPPED, "failover-source-too-slow", "failover-source-too-slow"),
    ],
)
def test_the_record_says_what_came_of_it(state: StepState, error: str, said: str) -> None:
    note = StepNote(name="hand-over", state=state, began_at=NOON, error=error)
    act = Act(id="one", kind=ActKind.UNPLANNED, who="ada", begun_at=NOON, steps=(note,))

    assert what_came_of_trying(act) == said


def test_of_one_that_was_not_tried_it_says_nothing() -> None:
    act = Act(id="one", kind=ActKind.UNPLANNED, who="ada", begun_at=NOON)

    assert what_came_of_trying(act) == ""
