from datetime import UTC, datetime, timedelta

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.errors import HostLost, HypervisorFull, VmMissing, VmNotRunning
from holdfast.replication import retrying
from holdfast.replication.retrying import NO_FAILURE, Tries, after_failure, is_hopeless, may_try

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOST = HostLost(about="web", reason="gone")


def _failed(times: int) -> Tries:
    tries = NO_FAILURE
    for _time in range(times):
        tries = after_failure(tries, LOST, NOON)
    return tries


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 30), (7, 30), (99, 30)]
)
def test_waits_grow_as_the_ladder_says(failures: int, minutes: int) -> None:
    tries = _failed(failures)

    assert tries.next_at == NOON + timedelta(minutes=minutes)
    assert not may_try(tries, NOON + timedelta(minutes=minutes, seconds=-1))
    assert may_try(tries, NOON + timedelta(minutes=minutes))


def test_what_no_waiting_mends_is_not_tried_again() -> None:
    tries = after_failure(NO_FAILURE, VmMissing(about="web"), NOON)

    assert tries.is_over
    assert tries.next_at is None
    assert not may_try(tries, NOON + timedelta(days=30))


def test_a_full_file_system_and_a_mistake_of_ours_are_tried_again() -> None:
    assert not is_hopeless(HypervisorFull(about="web", reason="full"))
    assert not is_hopeless(OSError(28, "full"))
    assert after_failure(NO_FAILURE, ValueError(), NOON).code == retrying.UNEXPECTED


def test_a_machine_that_was_switched_off_meanwhile_is_looked_at_again_at_once() -> None:
    tries, off = NO_FAILURE, VmNotRunning(about="web")
    waits = []
    for _time in range(5):
        tries = after_failure(tries, off, NOON)
        waits.append(((tries.next_at or NOON) - NOON).total_seconds())

    # What stays so is a failure like any other.
    assert waits == [2, 2, 2, 8 * 60, 10 * 60]


def test_a_clock_set_back_makes_no_wait_longer() -> None:
    tries = _failed(6)

    assert may_try(tries, NOON - timedelta(days=1))
    assert not may_try(tries, NOON + timedelta(seconds=1))


def test_the_first_of_several_failures_is_remembered() -> None:
    first = after_failure(NO_FAILURE, LOST, NOON)

    second = after_failure(first, LOST, NOON + timedelta(minutes=1))

    assert second.since == NOON
    assert (second.failures, second.code) == (2, "host-lost")


def test_all_codes_named_are_codes_of_errors() -> None:
    named = retrying.PASSING | retrying.HOPELESS

    assert named <= HoldfastError.registry.keys() | _loaded()


def _loaded() -> set[str]:
    """Codes of modules that the tests above had no reason to import."""
    import holdfast.disks.errors
    import holdfast.machines.backup_errors  # noqa: F401  for its classes

    return set(HoldfastError.registry)
