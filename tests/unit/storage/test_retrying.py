import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.errors import Retry
from holdfast.base.units import MIB
from holdfast.storage.errors import (
    FileExists,
    FileMissing,
    StorageFull,
    StorageThrottled,
    StorageUnavailable,
)
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.retrying import RetryingStorage, RetryPolicy, next_delay
from holdfast.testing.clock import FakeClock
from holdfast.testing.faulty_storage import FaultyStorage

OUTAGE = StorageUnavailable(place="memory:", reason="timeout")
POLICY = RetryPolicy(tries=5, first=1, factor=4, longest=20, total=60)


class Always(random.Random):
    """Chance has no say: the longest wait, always."""

    def random(self) -> float:
        return 1.0


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.memory = MemoryStorage()
        self.faulty = FaultyStorage(self.memory)
        self.storage = RetryingStorage(self.faulty, self.clock, Always(), policy=POLICY)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_put_survives_two_outages(bench: Bench) -> None:
    bench.faulty.fail("put", OUTAGE, OUTAGE)

    bench.storage.put("data/ab", b"kept")

    assert bench.memory.get("data/ab") == b"kept"
    assert bench.clock.monotonic() == 1 + 4
    assert bench.faulty.unused() == []


@pytest.mark.parametrize("size", [0, 10, MIB + 1])
def test_a_put_whose_reply_was_lost_is_done(bench: Bench, size: int) -> None:
    bench.faulty.lose_reply("put", OUTAGE)

    bench.storage.put("data/ab", b"x" * size)

    assert bench.memory.get("data/ab") == b"x" * size
    assert bench.faulty.unused() == []


@pytest.mark.parametrize(
    ("there", "ours"),
    [
        (b"theirs", b"ours!!"),
        (b"short", b"longer"),
        (b"a" + b"x" * MIB, b"b" + b"x" * MIB),
        (b"x" * MIB + b"a", b"x" * MIB + b"b"),
    ],
    ids=["same-size", "size", "large-head", "large-tail"],
)
def test_a_file_of_another_writer_is_not_taken_for_ours(
    bench: Bench, there: bytes, ours: bytes
) -> None:
    bench.memory.put("config", there)
    bench.faulty.fail("put", OUTAGE)

    with pytest.raises(FileExists):
        bench.storage.put("config", ours)

    assert bench.memory.get("config") == there


def test_an_existing_file_is_refused_at_once(bench: Bench) -> None:
    bench.memory.put("config", b"same")

    with pytest.raises(FileExists):
        bench.storage.put("config", b"same")

    assert bench.faulty.calls == 1


def test_a_torn_put_is_not_taken_for_done(bench: Bench) -> None:
    bench.faulty.tear(2, OUTAGE)

    with pytest.raises(FileExists):
        bench.storage.put("config", b"whole")


@pytest.mark.parametrize("error", [StorageFull, FileMissing])
def test_what_cannot_pass_later_is_raised_at_once(
    bench: Bench, error: type[StorageFull | FileMissing]
) -> None:
    bench.faulty.fail("get", error(place="memory:", name="x", reason="full"))

    with pytest.raises(error):
        bench.storage.get("x")

    assert bench.clock.monotonic() == 0
    assert bench.faulty.calls == 1


def test_tries_come_to_an_end(bench: Bench) -> None:
    bench.faulty.fail("get", *[OUTAGE] * 9)

    with pytest.raises(StorageUnavailable):
        bench.storage.get("x")

    assert bench.faulty.calls == POLICY.tries
    assert bench.clock.monotonic() == 1 + 4 + 16 + 20


def test_a_slow_failure_uses_up_the_time(bench: Bench) -> None:
    bench.faulty.kill_at(1, lambda: bench.clock.sleep(59))
    bench.faulty.fail("get", OUTAGE, OUTAGE)

    with pytest.raises(StorageUnavailable):
        bench.storage.get("x")

    assert bench.clock.monotonic() == 59 + 1
    assert bench.faulty.unused() == []


def test_a_listing_begun_again_repeats_nothing(bench: Bench) -> None:
    names = [f"data/{number}" for number in range(9)]
    for name in names:
        bench.memory.put(name, b"")
    throttled = StorageThrottled(place="memory:", reason="slow down")
    for after in (1, 3, 0, 5, 5, 8):
        bench.faulty.break_off(after, throttled)

    found = [entry.name for entry in bench.storage.list("data")]

    assert found == names
    assert bench.faulty.unused() == []


def test_now_means_at_once_the_first_time() -> None:
    first, second = (
        next_delay(POLICY, retry=Retry.NOW, failures=failures, elapsed=0, chance=0.5)
        for failures in (1, 2)
    )

    assert first == 0
    assert second == 2


@given(
    failures=st.integers(1, 50),
    elapsed=st.floats(0, 1000),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_bounded(failures: int, elapsed: float, chance: float) -> None:
    delay = next_delay(POLICY, retry=Retry.LATER, failures=failures, elapsed=elapsed, chance=chance)

    if delay is None:
        assert failures >= POLICY.tries or elapsed + POLICY.longest > POLICY.total
    else:
        assert 0 <= delay <= min(POLICY.longest, POLICY.first * POLICY.factor ** (failures - 1))
        assert elapsed + delay <= POLICY.total


def test_what_is_permanent_has_no_delay() -> None:
    assert next_delay(POLICY, retry=Retry.NEVER, failures=1, elapsed=0, chance=0) is None
