"""Locks over storages that fail, and between processes that really end."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.locking import held, locks_of
from holdfast.app.prune import prune
from holdfast.base.clock import SystemClock
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.faulty_storage import FaultyStorage, RecordingStorage, crashes
from holdfast.testing.vaults import add_point, identity, open_vault, small_vault
from holdfast.vault.errors import LockLost, VaultLocked
from holdfast.vault.layout import DATA, LOCKS
from holdfast.vault.prune import Stage

pytestmark = pytest.mark.faults

OUTAGE = StorageUnavailable(place="memory:", reason="no route")


def names(storage: MemoryStorage) -> list[str]:
    return [entry.name for entry in storage.list(LOCKS)]


def test_an_outage_shorter_than_the_stale_time_costs_nothing() -> None:
    storage = MemoryStorage()
    small_vault(storage)
    faulty, clock = FaultyStorage(storage), FakeClock()
    lock = locks_of(open_vault(faulty, clock=clock)).acquire()
    faulty.fail("put", *[OUTAGE] * 3)

    for _ in range(4):
        clock.sleep(301)
        lock.tend()

    lock.check()
    assert faulty.unused() == []
    assert len(names(storage)) == 1


def test_an_outage_that_lasts_stops_the_holder_before_others_take_it_for_dead() -> None:
    storage = MemoryStorage()
    small_vault(storage)
    faulty, clock = FaultyStorage(storage), FakeClock()
    lock = locks_of(open_vault(faulty, clock=clock)).acquire()
    faulty.fail("put", *[OUTAGE] * 4)

    for _ in range(4):
        clock.sleep(301)
        lock.tend()
        lock.check()
    clock.sleep(150)

    with pytest.raises(LockLost):
        lock.check()
    assert faulty.unused() == []


def test_a_renewal_that_cannot_delete_its_former_file_deletes_it_later() -> None:
    storage = MemoryStorage()
    small_vault(storage)
    faulty, clock = FaultyStorage(storage), FakeClock()
    host = locks_of(open_vault(faulty, clock=clock))
    lock = host.acquire()
    faulty.fail("delete", OUTAGE)
    clock.sleep(301)
    lock.tend()
    left = len(names(storage))

    host.acquire(exclusive=True, beside=lock).release()
    lock.release()

    assert left == 2
    assert names(storage) == []


def test_a_lock_whose_writing_seemed_to_fail_does_not_block_its_own_process_for_ever() -> None:
    storage = MemoryStorage()
    small_vault(storage)
    faulty, clock = FaultyStorage(storage), FakeClock()
    host = locks_of(open_vault(faulty, clock=clock))
    faulty.lose_reply("put", OUTAGE)
    with pytest.raises(StorageUnavailable):
        host.acquire()
    assert len(names(storage)) == 1

    with pytest.raises(VaultLocked):
        host.acquire(exclusive=True)
    clock.sleep(31 * 60)

    host.acquire(exclusive=True).release()
    assert names(storage) == []


def test_a_lock_taken_by_a_process_that_died_at_any_write_is_removed_by_the_next() -> None:
    start = MemoryStorage()
    recording = RecordingStorage(start)
    small_vault(recording)
    created = len(recording.operations)
    with held(open_vault(recording, who=identity("gone")), exclusive=True):
        pass

    for done, storage in crashes(recording.operations):
        if done >= created:
            with held(open_vault(storage, clock=Later()), exclusive=True):
                pass
            assert list(storage.list(LOCKS)) == []

    assert len(recording.operations) == created + 2


class Later(FakeClock):
    """A day after everything else."""

    def __init__(self) -> None:
        super().__init__()
        self.jump(timedelta(days=1))


def test_a_removed_lock_stops_a_prune_before_it_deletes() -> None:
    storage, clock = MemoryStorage(), FakeClock()
    vault = small_vault(storage, clock=clock)
    vault.delete_snapshot(add_point(vault, {"a": b"1" * 100}).id)
    before = {entry.name for entry in storage.list(DATA)}

    def asleep(stage: Stage, _done: int, _total: int) -> None:
        """The machine sleeps for a night; somebody finds its lock stale."""
        if stage is Stage.COPY:
            locks_of(open_vault(storage)).remove_all()
            clock.jump(timedelta(hours=8))

    with pytest.raises(LockLost):
        prune(vault, report=asleep)

    assert {entry.name for entry in storage.list(DATA)} == before


HOLD = """
import os, signal, sys
from holdfast.app.locking import locks_of
from holdfast.base.clock import SystemClock
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import identity, open_vault

vault = open_vault(DirectoryStorage(sys.argv[1]), clock=SystemClock(), who=identity("alpha"))
locks_of(vault).acquire(exclusive=True)
print("held", flush=True)
signal.pause()
"""


@pytest.fixture
def holder(tmp_path: Path) -> "subprocess.Popen[str]":
    """A process that holds an exclusive lock until it is killed."""
    storage = DirectoryStorage(str(tmp_path / "vault"))
    storage.create_root()
    small_vault(storage)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "vault")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_killed_process_blocks_nobody(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    storage = DirectoryStorage(str(tmp_path / "vault"))
    vault = open_vault(storage, clock=SystemClock(), who=identity("alpha"))

    with pytest.raises(VaultLocked, match=f"process {holder.pid}"), held(vault):
        pass
    holder.kill()
    holder.communicate()

    with held(vault, exclusive=True):
        assert len(list(storage.list(LOCKS))) == 1
    assert list(storage.list(LOCKS)) == []


RACE = """
import sys
from holdfast.app.locking import locks_of
from holdfast.base.clock import SystemClock
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import identity, open_vault
from holdfast.vault.errors import VaultLocked

storage = DirectoryStorage(sys.argv[1], lists_at_once=True)
locks = locks_of(open_vault(storage, clock=SystemClock(), who=identity(sys.argv[2])))
print("ready", flush=True)
for command in sys.stdin:
    try:
        lock = locks.acquire(exclusive=True)
    except VaultLocked:
        lock = None
    print("alone" if lock else "withdrew", flush=True)
    sys.stdin.readline()
    if lock:
        lock.release()
    print("ready", flush=True)
"""


def test_of_two_processes_that_race_without_a_pause_never_both_are_alone(tmp_path: Path) -> None:
    storage = DirectoryStorage(str(tmp_path / "vault"))
    storage.create_root()
    small_vault(storage)
    racers = [_racer(tmp_path / "vault", name) for name in ("alpha", "beta")]

    outcomes = []
    for _ in range(50):
        assert _said(racers) == ["ready", "ready"]
        _tell(racers, "take")
        outcomes.append(_said(racers))
        _tell(racers, "give back")
    for racer in racers:
        racer.communicate()

    assert ["alone", "alone"] not in outcomes
    # A race that nobody ever lost was none.
    assert any("withdrew" in outcome for outcome in outcomes)


def _racer(vault: Path, name: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", RACE, str(vault), name]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)


def _said(racers: "list[subprocess.Popen[str]]") -> list[str]:
    return [racer.stdout.readline().strip() for racer in racers if racer.stdout]


def _tell(racers: "list[subprocess.Popen[str]]", command: str) -> None:
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(command + "\n")


def test_of_many_who_want_to_be_alone_only_one_is_at_a_time(tmp_path: Path) -> None:
    storage = DirectoryStorage(str(tmp_path))
    small_vault(storage)
    inside, most, failures = [0], [0], list[BaseException]()

    def work(number: int) -> None:
        vault = open_vault(storage, clock=SystemClock(), who=identity(f"host-{number}"))
        try:
            with held(vault, exclusive=True, wait=timedelta(seconds=300)):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                SystemClock().sleep(0.05)
                inside[0] -= 1
        except BaseException as err:
            failures.append(err)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert most == [1]


def test_the_thread_that_renews_ends_with_the_work(tmp_path: Path) -> None:
    storage = DirectoryStorage(str(tmp_path))
    small_vault(storage)
    vault = open_vault(storage, clock=SystemClock(), who=identity(os.uname().nodename))

    with held(vault) as lock:
        during = [thread.name for thread in threading.enumerate()]
        lock.check()

    assert "holdfast-lock" in during
    assert "holdfast-lock" not in [thread.name for thread in threading.enumerate()]
