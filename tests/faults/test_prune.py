"""A prune killed after any of its writes: nothing a point needs is lost, the next run goes on."""

import random

import pytest

from holdfast.app.prune import prune
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Storage
from holdfast.testing.faulty_storage import FaultyStorage, RecordingStorage, crashes
from holdfast.testing.vaults import add_point, open_vault, read_all, small_vault
from holdfast.vault.layout import DATA, LOCKS
from holdfast.vault.policy.prune import PruneLimits
from holdfast.vault.repository import Repository

pytestmark = pytest.mark.faults

CLEAN = PruneLimits(max_unused=0, small_packs=3)


class Killed(BaseException):
    """The process is gone: nothing may catch this and go on."""


def content(seed: int, size: int = 2000) -> bytes:
    return random.Random(seed).randbytes(size)


def worn_vault(storage: Storage) -> Repository:
    """Points forgotten, packs half needed, a pack nobody needs, an unnamed one."""
    vault = small_vault(storage)
    first = add_point(vault, {f"a/{number}": content(number) for number in range(6)})
    add_point(vault, {"a/1": content(1), "b/9": content(9)})
    second = add_point(vault, {"c": content(20), "d": content(21)})
    add_point(vault, {"d": content(21), "e/f/g": content(22)})
    third = add_point(vault, {"h": content(30)})
    for gone in (first, second, third):
        vault.delete_snapshot(gone.id)
    storage.put(f"{DATA}/ab/{'ab' * 32}", b"half a pack")
    return vault


def copy_of(storage: Storage) -> MemoryStorage:
    copied = MemoryStorage()
    for entry in storage.list(""):
        copied.put(entry.name, storage.get(entry.name))
    return copied


def test_after_every_prefix_of_a_prune_all_points_are_whole_and_the_next_one_finishes() -> None:
    start = MemoryStorage()
    worn_vault(start)
    before = read_all(open_vault(start))
    recording = RecordingStorage(copy_of(start))
    prune(open_vault(recording), limits=CLEAN)
    smallest = size_of(recording)

    survived = 0
    for _done, storage in crashes(recording.operations, start=lambda: copy_of(start)):
        # The dead process's lock may be there still; it was of this host.
        assert read_all(open_vault(storage)) == before
        forget_locks(storage)
        prune(open_vault(storage), limits=CLEAN)
        assert read_all(open_vault(storage)) == before
        late = add_point(open_vault(storage), {"z": content(99), "a/1": content(1)})
        assert read_all(open_vault(storage))[late.id]["z"] == content(99)
        open_vault(storage).delete_snapshot(late.id)
        prune(open_vault(storage), limits=CLEAN)
        assert size_of(storage) <= smallest + 500
        survived += 1

    assert survived == len(recording.operations) + 1 > 15


def size_of(storage: Storage) -> int:
    return sum(entry.size for entry in storage.list(DATA))


def forget_locks(storage: Storage) -> None:
    for entry in list(storage.list(LOCKS)):
        storage.delete(entry.name)


def test_a_prune_that_fails_at_any_call_loses_nothing() -> None:
    start = MemoryStorage()
    worn_vault(start)
    before = read_all(open_vault(start))
    counting = FaultyStorage(copy_of(start))
    vault = open_vault(counting)
    opened = counting.calls
    prune(vault, limits=CLEAN)

    for call in range(opened + 1, counting.calls + 1):
        storage = copy_of(start)
        faulty = FaultyStorage(storage)
        vault = open_vault(faulty)
        faulty.kill_at(call, kill)
        with pytest.raises(Killed):
            prune(vault, limits=CLEAN)
        assert faulty.unused() == []
        assert read_all(open_vault(storage)) == before
        forget_locks(storage)
        prune(open_vault(storage), limits=CLEAN)
        assert read_all(open_vault(storage)) == before

    assert counting.calls - opened > 40


def kill() -> None:
    raise Killed


def test_two_prunes_one_after_the_other_see_each_others_work() -> None:
    storage = MemoryStorage()
    worn_vault(storage)
    before = read_all(open_vault(storage))

    first, second = open_vault(storage), open_vault(storage)
    prune(first, limits=CLEAN)
    prune(second, limits=CLEAN)

    assert read_all(open_vault(storage)) == before
