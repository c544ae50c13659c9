"""A backup killed at every call of the storage, at any instant, and with it or without its workers."""

import contextlib
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.files.report import BackupReport
from holdfast.testing.killing import (
    CHILDREN_LEFT,
    INTERRUPTED,
    Child,
    DeadlyStorage,
    HastyClock,
    When,
    back_up_under_lock,
    children_of,
    ends_within,
    freeze,
    start,
)
from holdfast.testing.trees import build_small_tree, change_tree
from holdfast.testing.vaults import open_vault, read_all, small_vault
from holdfast.vault.forking import WorkerDied
from holdfast.vault.layout import DATA
from tests.faults.conftest import Faults
from tests.faults.survival import (
    Points,
    assert_goes_on,
    assert_points_whole,
    assert_restic_agrees,
    linked_copy,
    stored_in,
)

pytestmark = pytest.mark.faults

MIB = 1 << 20


class Machine:
    """A source that has changed since its last point, the vault with it, and scratch."""

    def __init__(self, root: Path, *, big: int = 0) -> None:
        self.root = root
        self.source = root / "source"
        self.vault = root / "vault"
        build_small_tree(self.source, 1, files=30)
        stored_in(self.vault).create_root()
        small_vault(stored_in(self.vault))
        back_up_under_lock(stored_in(self.vault), self.source, cache=root / "scratch")
        change_tree(self.source, 2, 0.3)
        dice = random.Random(3)
        for number in range(big):
            (self.source / f"big-{number}").write_bytes(dice.randbytes(MIB))
        self.before: Points = read_all(open_vault(stored_in(self.vault)))
        self._copies = 0

    def packs(self) -> set[str]:
        return {entry.name for entry in stored_in(self.vault).list(DATA)}

    def copy(self) -> "Copy":
        self._copies += 1
        place = self.root / f"copy-{self._copies}"
        place.mkdir()
        linked_copy(self.vault, place / "vault")
        # The cache is appended to in place.
        shutil.copytree(self.root / "scratch", place / "scratch")
        return Copy(self, place)


class Copy:
    """A vault of a machine to be hurt."""

    def __init__(self, machine: Machine, place: Path) -> None:
        self.machine = machine
        self.vault = place / "vault"
        self.cache = place / "scratch"

    def start(self, *, call: int = 0, when: When = When.BEFORE) -> Child:
        storage = DeadlyStorage(stored_in(self.vault), call=call, when=when)
        return start(partial(self._back_up, storage))

    def _back_up(self, storage: DeadlyStorage) -> str:
        report = back_up_under_lock(storage, self.machine.source, cache=self.cache)
        # Counted after the fact: the lock is released and all calls are made.
        return f"{report.snapshot} {len(storage.names)}"

    def back_up(self) -> BackupReport:
        storage = stored_in(self.vault)
        return back_up_under_lock(storage, self.machine.source, cache=self.cache)

    def packs(self) -> set[str]:
        return {entry.name for entry in stored_in(self.vault).list(DATA)}

    def points(self) -> Points:
        return read_all(open_vault(stored_in(self.vault)))

    def assert_survived(self) -> None:
        assert_points_whole(stored_in(self.vault), self.machine.before)
        assert_goes_on(stored_in(self.vault), self.machine.source, cache=self.cache)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
def test_killed_at_every_call_of_the_storage(machine: Machine, faults: Faults, when: When) -> None:
    calls = int(machine.copy().start().end().split()[1])
    assert calls >= 15

    for call in range(1, calls + 1):
        copy = machine.copy()
        faults.inject()
        assert copy.start(call=call, when=when).end() == "", f"call {call} was not made"
        copy.assert_survived()
        if call % 5 == 0:
            assert_restic_agrees(copy.vault)
        faults.survive()


@pytest.fixture(scope="module")
def big_machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """More than two packs to store, so that an instant in the middle is one of real work."""
    return Machine(tmp_path_factory.mktemp("big"), big=40)


def moments(machine: Machine, count: int) -> list[float]:
    """Instants all over a backup, a little beyond its end as well."""
    clock = SystemClock()
    began = clock.monotonic()
    assert CHILDREN_LEFT not in machine.copy().start().end()
    whole = clock.monotonic() - began
    dice = random.Random(7)
    return [(number + dice.random()) * whole * 1.1 / count for number in range(count)]


def frozen(machine: Machine, reached: Callable[[Copy, Child], object]) -> tuple[Copy, Child]:
    """A backup that has come so far and is not done, stopped there for as long as it takes."""
    for _attempt in range(20):
        copy = machine.copy()
        child = copy.start()
        while not reached(copy, child) and not child.said_within(0.001):
            pass
        if freeze(child.pid) and not child.said_within(0):
            return copy, child
        child.kill(signal.SIGCONT, group=True)
        child.end()
    raise AssertionError("each backup was done before it could be stopped")


def at_moments(machine: Machine, count: int) -> Iterator[tuple[Copy, Child]]:
    """Backups that have begun that long ago."""
    for moment in moments(machine, count):
        copy = machine.copy()
        child = copy.start()
        child.said_within(moment)
        yield copy, child


def has_workers(_copy: Copy, child: Child) -> bool:
    return bool(child.workers())


def has_stored(copy: Copy, _child: Child) -> bool:
    return len(copy.packs()) > len(copy.machine.packs())


@pytest.mark.slow
def test_killed_at_any_instant_and_its_workers_end_with_it(
    big_machine: Machine, faults: Faults
) -> None:
    for moment in moments(big_machine, 8):
        copy = big_machine.copy()
        child = copy.start()
        child.said_within(moment)
        faults.inject()

        workers = child.workers()
        child.kill()

        child.end()
        assert all(ends_within(pid, 90) for pid in workers)
        copy.assert_survived()
        faults.survive()


@pytest.mark.slow
def test_a_killed_worker_ends_the_backup_without_a_point(
    big_machine: Machine, faults: Faults
) -> None:
    words: list[str] = []
    surely = (frozen(big_machine, has_workers) for _ in range(1))
    for copy, child in chain(at_moments(big_machine, 8), surely):
        workers = child.workers()
        if not workers:
            child.end()
            continue
        faults.inject()

        with contextlib.suppress(ProcessLookupError):
            os.kill(random.Random(len(words)).choice(workers), signal.SIGKILL)
        child.kill(signal.SIGCONT, group=True)

        words.append(child.end())
        if words[-1].startswith("worker-died"):
            assert "killed by signal 9" in words[-1]
            assert copy.points() == big_machine.before
            assert os.listdir(copy.vault / "locks") == []
        assert CHILDREN_LEFT not in words[-1]
        copy.assert_survived()
        faults.survive()

    assert sum(word.startswith("worker-died") for word in words) >= 1


class ClockOfTheParent(HastyClock):
    """Goes wrong in every other process."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def now(self) -> datetime:
        if os.getpid() != self._pid:
            raise RuntimeError("no time here")
        return super().now()


def test_what_a_worker_did_not_foresee_is_one_sentence_with_the_place_as_a_note(
    machine: Machine, faults: Faults
) -> None:
    copy = machine.copy()
    children = children_of(os.getpid())
    faults.inject()

    with pytest.raises(WorkerDied) as caught:
        back_up_under_lock(stored_in(copy.vault), machine.source, clock=ClockOfTheParent())

    assert str(caught.value).endswith("unexpectedly: RuntimeError: no time here")
    assert "worker.py" in caught.value.__notes__[0]
    assert children_of(os.getpid()) == children
    copy.assert_survived()
    faults.survive()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupt_at_any_instant_stops_soon_and_cleans_up(
    big_machine: Machine, faults: Faults, number: signal.Signals
) -> None:
    words, left = [], 0
    surely = (frozen(big_machine, has_stored) for _ in range(2))
    for copy, child in chain(at_moments(big_machine, 6), surely):
        faults.inject()

        child.kill(number, group=True)
        child.kill(signal.SIGCONT, group=True)

        words.append(child.end())
        assert CHILDREN_LEFT not in words[-1]
        left += len(os.listdir(copy.vault / "locks"))
        copy.assert_survived()
        faults.survive()

    # Between the lock's file and the memory of it lies an instant; the next run finds it dead.
    assert left <= 2
    assert words.count(INTERRUPTED) >= 2
    assert all(word == INTERRUPTED or len(word.split()[0]) == 64 for word in words), words


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_workers_leave_it_to_the_parent_what_a_signal_means(
    big_machine: Machine, faults: Faults, number: signal.Signals
) -> None:
    copy = big_machine.copy()
    known = copy.packs()
    child = copy.start()
    while copy.packs() == known and not child.said_within(0.001):
        pass

    for worker in child.workers():
        faults.inject()
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, number)

    assert len(child.end().split()[0]) == 64
    for _ in range(faults.injected):
        faults.survive()


def test_after_an_interrupt_the_next_backup_stores_less(
    big_machine: Machine, faults: Faults
) -> None:
    whole = big_machine.copy().back_up()
    copy, child = frozen(big_machine, has_stored)
    faults.inject()

    child.kill(signal.SIGINT, group=True)
    child.kill(signal.SIGCONT, group=True)

    assert child.end() == INTERRUPTED
    rest = copy.back_up()
    assert rest.summary.data_added_packed < whole.summary.data_added_packed - 15 * MIB
    faults.survive()
