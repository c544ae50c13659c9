"""What the loop of a machine does next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from holdfast.replication.replicator_plan import Act, LoopFacts, what_now, window_is_open
from holdfast.replication.spool_guard import Spooling

DUE = LoopFacts(is_due=True, is_connected=True)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_step_is_taken_when_it_is_due_and_only_then() -> None:
    assert what_now(DUE) is Act.STEP
    assert what_now(replace(DUE, is_due=False)) is Act.WAIT


def test_a_link_that_is_away_costs_no_step() -> None:
    assert what_now(replace(DUE, is_connected=False, queue=3)) is Act.STEP


def test_what_is_halted_waits() -> None:
    assert what_now(replace(DUE, is_paused=True)) is Act.WAIT
    assert what_now(replace(DUE, is_given_up=True)) is Act.WAIT


def test_a_full_spool_lets_the_bitmaps_record_alone() -> None:
    assert what_now(replace(DUE, spooling=Spooling.STOPPED)) is Act.SKIP
    assert what_now(replace(DUE, spooling=Spooling.WARNED)) is Act.STEP


def test_after_a_failure_the_wait_is_kept() -> None:
    assert what_now(replace(DUE, may_try=False)) is Act.SKIP
    assert what_now(replace(DUE, may_try=False, has_walk=True)) is Act.SKIP


def test_a_walk_goes_on_without_a_schedule_as_slices_are_sent() -> None:
    walking = replace(DUE, is_due=False, has_walk=True)

    assert what_now(walking) is Act.WALK
    assert what_now(replace(walking, is_walk_waiting=True)) is Act.WAIT


def test_a_comparison_waits_for_the_queue_the_site_and_its_window() -> None:
    wanted = replace(DUE, wants_walk=True)

    assert what_now(wanted) is Act.WALK
    assert what_now(replace(wanted, queue=1)) is Act.SKIP
    assert what_now(replace(wanted, is_connected=False)) is Act.SKIP
    assert what_now(replace(wanted, may_resync=False)) is Act.SKIP
    assert what_now(replace(wanted, may_resync=False, is_due=False)) is Act.WAIT


def test_a_first_copy_needs_no_window() -> None:
    assert what_now(replace(DUE, wants_walk=True, is_first=True, may_resync=False)) is Act.WALK


def test_a_comparison_begins_at_once_at_its_time_or_in_its_window() -> None:
    def is_open(*, at: datetime | None = None, is_now: bool = False, inside: bool = False) -> bool:
        return window_is_open(now=NOW, not_before=at, is_now=is_now, is_in_window=inside)

    assert is_open(is_now=True)
    assert is_open(inside=True)
    assert not is_open()
    assert is_open(at=NOW - timedelta(minutes=1))
    assert not is_open(at=NOW + timedelta(minutes=1), inside=True)
