"""Cycles neither drift nor bunch, and those that are missed are counted."""

from datetime import UTC, datetime, timedelta

from holdfast.replication.replicator_schedule import Schedule, due_now, phase_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def schedule(key: str = "web", *, every: float = 30.0, monotonic: float = 1000.0) -> Schedule:
    return Schedule.begun(key, every, monotonic=monotonic, wall=NOW.timestamp())


def test_nothing_is_due_before_the_first_slot_which_is_within_an_interval() -> None:
    made = schedule()

    assert 1000 <= made.next_at < 1030
    assert due_now(made, monotonic=made.next_at - 0.001, now=NOW) is None


def test_a_cycle_that_took_long_does_not_move_those_after_it() -> None:
    made = schedule()

    after = made.taken(made.next_at + 12.5)

    assert after.next_at == made.next_at + 30


def test_slots_that_passed_are_missed_but_for_the_newest() -> None:
    made = schedule()

    due = due_now(made, monotonic=made.next_at + 65, now=NOW)

    assert due is not None
    assert due.at == NOW - timedelta(seconds=5)
    assert due.missed == (NOW - timedelta(seconds=65), NOW - timedelta(seconds=35))
    assert made.taken(made.next_at + 65).next_at == made.next_at + 90


def test_after_a_week_of_sleep_not_every_slot_is_told() -> None:
    made = schedule()

    due = due_now(made, monotonic=made.next_at + 7 * 86400, now=NOW)

    assert due is not None
    assert len(due.missed) == 100


def test_the_grid_is_the_same_after_a_restart() -> None:
    first = schedule(monotonic=1000.0)

    again = Schedule.begun("web", 30.0, monotonic=5.0, wall=NOW.timestamp() + 7)

    assert abs((first.next_at - 1000 - (again.next_at - 5 + 7)) % 30) < 1e-6


def test_many_machines_are_spread_and_a_group_is_not() -> None:
    phases = {phase_of(f"machine-{number}", 30) // 5 for number in range(100)}

    assert len(phases) == 6
    assert phase_of("shop", 30) == phase_of("shop", 30)
