"""A rate holds for all together, and a change of it is obeyed on the way."""

import os
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.storage.limiting import LimitedStorage, Rates, Way
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.clock import FakeClock


class ChangingClock(FakeClock):
    """Somebody sets another rate after so many seconds."""

    def __init__(self, rates: Rates, *, after: float, up: int | None) -> None:
        super().__init__()
        self._rates, self._after, self._up = rates, after, up

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.monotonic() >= self._after:
            self._rates.set(up=self._up, down=None)


def test_a_file_waits_for_its_time() -> None:
    clock = FakeClock()
    storage = LimitedStorage(MemoryStorage(), Rates.alone(up=1000, down=None), clock)

    storage.put("a", bytes(10_000))

    assert clock.monotonic() == pytest.approx(10, abs=0.5)
    assert storage.get("a") == bytes(10_000)
    assert clock.monotonic() == pytest.approx(10, abs=0.5)


def test_files_one_after_the_other_keep_the_rate() -> None:
    clock = FakeClock()
    storage = LimitedStorage(MemoryStorage(), Rates.alone(up=1000, down=None), clock)

    for number in range(100):
        storage.put(str(number), bytes(100))

    assert clock.monotonic() == pytest.approx(10, abs=0.5)


def test_download_has_a_rate_of_its_own() -> None:
    clock = FakeClock()
    storage = LimitedStorage(MemoryStorage(), Rates.alone(up=None, down=1000), clock)
    storage.put("a", bytes(10_000))

    storage.read("a", 0, 5000)
    storage.get("a")
    storage.read("a", 0, 1)

    assert clock.monotonic() == pytest.approx(15, abs=0.5)


def test_two_who_share_a_file_share_the_rate(tmp_path: Path) -> None:
    clock = FakeClock()
    path = str(tmp_path / "rates")
    Rates.in_file(path).set(up=1000, down=None)

    for _turn in range(10):
        for rates in (Rates.in_file(path), Rates.in_file(path)):
            rates.take(Way.UP, 500, clock)

    assert clock.monotonic() == pytest.approx(10, abs=0.5)


def test_change_of_the_rate_is_obeyed_on_the_way(tmp_path: Path) -> None:
    rates = Rates.in_file(str(tmp_path / "rates"))
    rates.set(up=100, down=None)
    clock = ChangingClock(rates, after=10, up=100_000)

    rates.take(Way.UP, 100_000, clock)

    assert clock.monotonic() == pytest.approx(11, abs=0.6)


def test_zero_is_a_pause_until_it_is_lifted(tmp_path: Path) -> None:
    rates = Rates.in_file(str(tmp_path / "rates"))
    rates.set(up=0, down=None)
    clock = ChangingClock(rates, after=3600, up=None)

    rates.take(Way.UP, 1, clock)

    assert clock.monotonic() == pytest.approx(3600, abs=1)


def test_new_file_limits_nothing(tmp_path: Path) -> None:
    clock = FakeClock()

    Rates.in_file(str(tmp_path / "rates")).take(Way.UP, 1 << 40, clock)

    assert clock.monotonic() == 0


def test_moment_of_before_the_machine_was_started_blocks_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "rates")
    before = FakeClock()
    before.sleep(1_000_000)
    rates = Rates.in_file(path)
    rates.set(up=1000, down=None)
    rates.take(Way.UP, 10_000, before)
    clock = FakeClock()

    Rates.in_file(path).take(Way.UP, 1000, clock)

    assert clock.monotonic() <= 1


def test_forked_processes_share_the_rate() -> None:
    clock = SystemClock()
    rates = Rates.alone(up=100_000, down=None)
    begin = clock.monotonic()

    children = []
    for _child in range(2):
        pid = os.fork()
        if not pid:
            rates.take(Way.UP, 25_000, clock)
            os._exit(0)
        children.append(pid)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]

    assert statuses == [0, 0]
    assert clock.monotonic() - begin >= 0.2
