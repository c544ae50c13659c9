"""A point of a machine under way is killed, interrupted, or refused by what it reads or writes."""

import os
import random
import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from holdfast.app import locking
from holdfast.base.errors import HoldfastError
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_source import FileSource
from holdfast.machines.errors import ImageShort, ImageUnreadable
from holdfast.machines.point_reader import PointReader
from holdfast.machines.point_writer import PointReport, PointWriter, WriterOptions
from holdfast.storage.errors import StorageFull, StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Storage
from holdfast.testing.damage import copy_of
from holdfast.testing.killing import (
    CHILDREN_LEFT,
    INTERRUPTED,
    Child,
    DeadlyStorage,
    HastyClock,
    When,
    start,
)
from holdfast.testing.vaults import identity, open_vault, small_vault
from holdfast.testing.vm_points import OPTIONS, overwrite, write_vm_point
from holdfast.testing.waiting import wait_until
from holdfast.vault.errors import LockLost
from holdfast.vault.layout import INDEX, LOCKS, SNAPSHOTS
from tests.faults.conftest import Faults
from tests.faults.survival import assert_restic_agrees, checked, linked_copy, stored_in

pytestmark = pytest.mark.faults

MIB = 1 << 20
SIZE = 24 * MIB
CHANGED = 20 * MIB  # one pack, and a bit
# With one thread the calls of the storage are the same in every run.
ALONE = replace(OPTIONS, workers=1)
# Every pack is named as soon as it is stored.
AT_ONCE = replace(ALONE, index_every=0.0)


@dataclass(frozen=True)
class Machine:
    """An image, what changed in it since its first point, and the vault with that point."""

    image: Path
    first: bytes
    changed: list[tuple[int, int]]
    vault: Path

    @property
    def content(self) -> bytes:
        return self.image.read_bytes()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return made(tmp_path_factory.mktemp("machine"), SIZE, CHANGED)


@pytest.fixture(scope="module")
def small_machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """For what is done many times."""
    return made(tmp_path_factory.mktemp("small"), 6 * MIB, 3 * MIB)


def made(folder: Path, size: int, change: int) -> Machine:
    image, vault = folder / "vda.raw", folder / "vault"
    dice = random.Random(1)
    first = dice.randbytes(3 * MIB) + bytes(size - 3 * MIB)
    image.write_bytes(first)
    stored_in(vault).create_root()
    small_vault(stored_in(vault))
    back_up(stored_in(vault), image)
    changed = overwrite(image, (2 * MIB, dice.randbytes(change)))
    return Machine(image, first, changed, vault)


@pytest.fixture
def vault(machine: Machine, tmp_path: Path) -> Path:
    """A copy to be hurt."""
    return linked_copy(machine.vault, tmp_path / "vault")


def back_up(
    storage: Storage,
    image: Path,
    *,
    changed: list[tuple[int, int]] | None = None,
    options: WriterOptions = OPTIONS,
) -> PointReport:
    """As the product will: under a lock, relative to the newest point."""
    vault = open_vault(storage, clock=HastyClock(), who=replace(identity(), pid=os.getpid()))
    with locking.held(vault) as lock:
        parents = vault.snapshots()
        return write_vm_point(
            vault,
            {"vda": image},
            parent=PointReader(vault, parents[-1]) if parents else None,
            changed={"vda": changed} if changed is not None and parents else None,
            options=replace(options, still_ours=lock.check),
        )


def starts(machine: Machine, storage: Storage, options: WriterOptions = AT_ONCE) -> Child:
    def work() -> str:
        report = back_up(storage, machine.image, changed=machine.changed, options=options)
        calls = len(storage.names) if isinstance(storage, DeadlyStorage) else 0
        return f"{report.snapshot} {calls}"

    return start(work)


def disks_of(storage: Storage) -> list[bytes]:
    """The disk of every point, oldest first."""
    vault = open_vault(storage)
    readers = [DiskReader(PointReader(vault, each), "vda") for each in vault.snapshots()]
    return [bytes(reader.read(0, reader.size)) for reader in readers]


def assert_survived(machine: Machine, storage: Storage) -> PointReport:
    """Old points are whole, a new one is whole or not there, and the next one comes about."""
    found = disks_of(storage)
    assert found[0] == machine.first
    assert all(disk == machine.content for disk in found[1:])
    assert checked(storage).damage == ()
    report = back_up(storage, machine.image, changed=machine.changed)
    assert disks_of(storage)[-1] == machine.content
    return report


@pytest.mark.slow
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
def test_killed_at_every_call_of_the_storage(
    small_machine: Machine, tmp_path: Path, faults: Faults, when: When
) -> None:
    machine = small_machine
    whole = linked_copy(machine.vault, tmp_path / "whole")
    calls = int(starts(machine, DeadlyStorage(stored_in(whole))).end().split()[1])
    assert calls >= 12

    for call in range(1, calls + 1):
        vault = linked_copy(machine.vault, tmp_path / f"vault-{call}")
        faults.inject()
        word = starts(machine, DeadlyStorage(stored_in(vault), call=call, when=when)).end()
        assert word == "", f"call {call} was not made"
        assert_survived(machine, stored_in(vault))
        if call == calls // 2:
            assert_restic_agrees(vault)
        faults.survive()


def names(vault: Path, folder: str) -> set[str]:
    return {entry.name for entry in stored_in(vault).list(folder)}


def test_after_a_kill_the_next_point_stores_what_is_missing_and_no_more(
    machine: Machine, vault: Path, faults: Faults
) -> None:
    known = names(vault, INDEX)
    gate = HeldBack(stored_in(vault), SNAPSHOTS)
    child = starts(machine, gate)
    # An index file of the run names packs of it, and its point never comes.
    wait_until(lambda: names(vault, INDEX) > known)
    faults.inject()

    child.kill()

    assert child.end() == ""
    report = assert_survived(machine, stored_in(vault))
    assert report.summary.data_added_packed < CHANGED - 15 * MIB
    faults.survive()


def test_an_interrupt_leaves_no_point_and_what_was_stored_is_used(
    machine: Machine, vault: Path, faults: Faults
) -> None:
    mark = vault.with_name("all is stored and not named")
    child = starts(machine, HeldOnce(stored_in(vault), INDEX, mark), ALONE)
    wait_until(mark.exists)
    faults.inject()

    child.kill(signal.SIGINT, group=True)

    word = child.end()
    assert word == INTERRUPTED
    assert CHILDREN_LEFT not in word
    assert disks_of(stored_in(vault)) == [machine.first]
    assert os.listdir(vault / LOCKS) == []
    report = assert_survived(machine, stored_in(vault))
    assert report.summary.data_added_packed < CHANGED - 15 * MIB
    faults.survive()


class HeldBack(DeadlyStorage):
    """Waits for ever before a put into one folder; an interrupt ends the wait."""

    def __init__(self, inner: Storage, folder: str) -> None:
        super().__init__(inner)
        self._folder = folder

    def put(self, name: str, content: bytes | bytearray | memoryview) -> None:
        if name.startswith(self._folder):
            signal.pause()
        super().put(name, content)


class HeldOnce(DeadlyStorage):
    """Waits before its first put into one folder, and tells by a file that it does."""

    def __init__(self, inner: Storage, folder: str, mark: Path) -> None:
        super().__init__(inner)
        self._folder, self._mark = folder, mark

    def put(self, name: str, content: bytes | bytearray | memoryview) -> None:
        if name.startswith(self._folder) and not self._mark.exists():
            self._mark.touch()
            signal.pause()
        super().put(name, content)


@pytest.fixture
def memory(machine: Machine) -> MemoryStorage:
    return in_memory(machine)


def in_memory(machine: Machine) -> MemoryStorage:
    storage = MemoryStorage()
    for entry in stored_in(machine.vault).list(""):
        storage.put(entry.name, stored_in(machine.vault).get(entry.name))
    return storage


def raising(kind: type[HoldfastError]) -> Callable[[], None]:
    def act() -> None:
        raise kind(place="vault", name="it", reason="it was provoked")

    return act


@pytest.mark.slow
@pytest.mark.parametrize("kind", [StorageFull, StorageUnavailable])
def test_an_error_at_every_call_loses_nothing_and_leaves_no_thread(
    small_machine: Machine, faults: Faults, kind: type[HoldfastError]
) -> None:
    machine = small_machine
    memory = in_memory(machine)
    counted = DeadlyStorage(copy_of(memory))
    back_up(counted, machine.image, changed=machine.changed, options=ALONE)
    threads = threading.active_count()

    for number in range(1, len(counted.names) + 1):
        storage = copy_of(memory)
        deadly = DeadlyStorage(storage, call=number, act=raising(kind))
        faults.inject()
        quiet = counted.names[number - 1].startswith(f"delete {LOCKS}/")
        with nullcontext() if quiet else pytest.raises(kind):
            back_up(deadly, machine.image, changed=machine.changed, options=ALONE)
        wait_until(lambda: threading.active_count() <= threads)
        assert_survived(machine, storage)
        faults.survive()


class Ailing(FileSource):
    """Fails at one place of the disk."""

    def __init__(self, path: str, act: Callable[[], None], at: int) -> None:
        super().__init__(path)
        self._act = act
        self._at = at

    def read_into(self, offset: int, target: memoryview) -> None:
        if offset <= self._at < offset + len(target):
            self._act()
        super().read_into(offset, target)

    def another(self) -> "Ailing":
        return Ailing(self.path, self._act, self._at)


def unreadable() -> None:
    raise ImageUnreadable(path="vda", reason="Input/output error")


def broken() -> None:
    raise ZeroDivisionError("nobody foresaw this")


@pytest.mark.parametrize(
    ("act", "kind"), [(unreadable, ImageUnreadable), (broken, ZeroDivisionError)]
)
@pytest.mark.parametrize("at", [0, 11 * MIB, SIZE - MIB])
def test_a_disk_that_cannot_be_read_ends_the_run_with_its_reason(
    machine: Machine,
    memory: MemoryStorage,
    faults: Faults,
    act: Callable[[], None],
    kind: type[Exception],
    at: int,
) -> None:
    vault = open_vault(memory)
    threads = threading.active_count()
    faults.inject()

    with pytest.raises(kind), PointWriter(vault, "web", OPTIONS) as writer:
        writer.add_disk("vda", Ailing(str(machine.image), act, at))

    wait_until(lambda: threading.active_count() <= threads)
    assert_survived(machine, memory)
    faults.survive()


def test_an_image_that_got_shorter_is_no_point(
    machine: Machine, memory: MemoryStorage, tmp_path: Path, faults: Faults
) -> None:
    image = tmp_path / "short.raw"
    image.write_bytes(b"x" * (5 * MIB))
    faults.inject()

    with FileSource(str(image)) as source:
        os.truncate(image, 2 * MIB + 5)
        with (
            pytest.raises((ImageShort, ImageUnreadable)),
            PointWriter(open_vault(memory), "web", OPTIONS) as writer,
        ):
            writer.add_disk("vda", Stubborn(source, 5 * MIB))

    assert_survived(machine, memory)
    faults.survive()


class Stubborn:
    """Says that there is data where the image has ended meanwhile."""

    changed = None

    def __init__(self, inner: FileSource, size: int) -> None:
        self._inner = inner
        self.size = size
        self.read_into = inner.read_into

    def spans_with_data(self) -> list[tuple[int, int]]:
        return [(0, self.size)]

    def another(self) -> "Stubborn":
        return self

    def close(self) -> None:
        """The other one is closed by whoever opened it."""


@pytest.mark.parametrize("checks", [0, 1, 2])
def test_who_lost_the_lock_names_nothing_and_makes_no_point(
    machine: Machine, memory: MemoryStorage, faults: Faults, checks: int
) -> None:
    left = [checks]

    def check() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise LockLost(place="vault", since="noon")

    before = {entry.name for entry in memory.list(SNAPSHOTS)}
    faults.inject()

    with pytest.raises(LockLost):
        write_vm_point(
            open_vault(memory),
            {"vda": machine.image},
            options=replace(AT_ONCE, still_ours=check),
        )

    assert {entry.name for entry in memory.list(SNAPSHOTS)} == before
    assert_survived(machine, memory)
    faults.survive()


def test_what_was_not_committed_is_no_point(
    machine: Machine, memory: MemoryStorage, faults: Faults
) -> None:
    faults.inject()

    with PointWriter(open_vault(memory), "web", OPTIONS) as writer:
        writer.add_disk("vda", FileSource(str(machine.image)))

    assert disks_of(memory) == [machine.first]
    assert_survived(machine, memory)
    faults.survive()
