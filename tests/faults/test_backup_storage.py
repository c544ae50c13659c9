"""A backup whose vault or scratch refuses, tears, lies, or is full."""

import errno
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.storage.errors import StorageBroken, StorageFull, StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.damage import copy_of
from holdfast.testing.killing import DeadlyStorage, HastyClock, When, back_up_under_lock
from holdfast.testing.trees import build_small_tree, change_tree
from holdfast.testing.vaults import open_vault, read_all, small_vault
from holdfast.vault.check_subset import Subset
from holdfast.vault.layout import DATA, INDEX, LOCKS, SNAPSHOTS
from holdfast.vault.repair import Repair
from holdfast.vault.repair_planning import RepairOptions
from tests.faults.conftest import Faults
from tests.faults.survival import (
    assert_goes_on,
    assert_points_whole,
    assert_restic_agrees,
    checked,
    contents,
    stored_in,
)
from tests.guarded_mount import guarded_mount

pytestmark = pytest.mark.faults

MIB = 1 << 20


ERRORS: dict[str, tuple[type[HoldfastError], str]] = {
    "ENOSPC": (StorageFull, os.strerror(errno.ENOSPC)),
    "EDQUOT": (StorageFull, os.strerror(errno.EDQUOT)),
    "EIO": (StorageBroken, os.strerror(errno.EIO)),
    "silent": (StorageUnavailable, "timeout"),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    build_small_tree(tmp_path / "source", 1, files=30)
    return tmp_path / "source"


@pytest.fixture
def memory(source: Path) -> MemoryStorage:
    """A vault with one point of the source, which has changed since."""
    storage = MemoryStorage()
    small_vault(storage)
    back_up_under_lock(storage, source)
    change_tree(source, 2, 0.3)
    return storage


def raising(name: str) -> Callable[[], None]:
    def act() -> None:
        kind, reason = ERRORS[name]
        raise kind(place="vault", name="it", reason=reason)

    return act


def calls_of(memory: MemoryStorage, source: Path) -> list[str]:
    storage = DeadlyStorage(copy_of(memory))
    back_up_under_lock(storage, source)
    return storage.names


@pytest.mark.slow
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_at_every_call_loses_nothing(
    memory: MemoryStorage, source: Path, faults: Faults, name: str, when: When
) -> None:
    before = read_all(open_vault(memory))
    calls = calls_of(memory, source)

    for number, call in enumerate(calls, 1):
        storage = copy_of(memory)
        deadly = DeadlyStorage(storage, call=number, when=when, act=raising(name))
        faults.inject()
        # Only what is given back at the end may fail unnoticed: the lock will be found dead.
        quiet = call.startswith(f"delete {LOCKS}/")
        with nullcontext() if quiet else pytest.raises(HoldfastError, match=ERRORS[name][1]):
            back_up_under_lock(deadly, source)
        assert_points_whole(storage, before)
        assert_goes_on(storage, source)
        faults.survive()


@pytest.mark.parametrize("folder", [LOCKS, DATA, INDEX, SNAPSHOTS])
def test_a_torn_file_is_found_and_repaired_and_takes_nothing_with_it(
    memory: MemoryStorage, source: Path, faults: Faults, folder: str
) -> None:
    before = read_all(open_vault(memory))
    calls = calls_of(memory, source)
    for number in [n for n, call in enumerate(calls, 1) if call.startswith(f"put {folder}/")]:
        storage = copy_of(memory)
        deadly = DeadlyStorage(storage, call=number, when=When.TORN, act=raising("EIO"))
        faults.inject()
        with pytest.raises(StorageBroken):
            back_up_under_lock(deadly, source)

        torn = deadly.names[number - 1].removeprefix("put ").rpartition("/")[2]
        assert any(torn[:8] in finding.sentence for finding in checked(storage).findings)
        if folder != INDEX:  # nobody can say what a broken index file named
            assert_goes_on(storage, source, is_sound=folder != SNAPSHOTS)
        vault = open_vault(storage, clock=HastyClock())
        repair = Repair(vault, RepairOptions(read=Subset(), forget=True))
        if not repair.plan.is_empty:
            repair.apply(lambda: None)
        assert_points_whole(storage, before)
        assert_goes_on(storage, source)
        faults.survive()


def test_cut_files_under_temporary_names_are_nobodys(
    tmp_path: Path, source: Path, faults: Faults
) -> None:
    vault = tmp_path / "vault"
    stored_in(vault).create_root()
    small_vault(stored_in(vault))
    back_up_under_lock(stored_in(vault), source)
    before = read_all(open_vault(stored_in(vault)))
    for path in [path for path in vault.rglob("*") if path.is_file()]:
        faults.inject()
        content = path.read_bytes()
        path.with_name(f"{path.name}-tmp-0123").write_bytes(content[: len(content) // 2])
    change_tree(source, 2, 0.3)

    assert_points_whole(stored_in(vault), before)
    assert_goes_on(stored_in(vault), source)
    assert_restic_agrees(vault)

    for _ in range(faults.injected):
        faults.survive()


@pytest.fixture(scope="module")
def may_mount(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.environ.get("HOLDFAST_TEST_ALLOW_SKIP") != "1":
        return
    try:
        with small_disk(tmp_path_factory.mktemp("try") / "mount", "1m"):
            pass
    except subprocess.CalledProcessError as err:
        pytest.skip(f"this user or container may not mount: {err.stderr.decode().strip()}")


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[Path]:
    at.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", at=at)
    with guarded_mount(at):
        yield at


def mount(*words: str, at: Path) -> None:
    subprocess.run(["mount", *words, str(at)], check=True, capture_output=True)


def add_noise(source: Path, count: int) -> None:
    dice = random.Random(5)
    for number in range(count):
        (source / f"noise-{number}").write_bytes(dice.randbytes(MIB))


@pytest.mark.real
@pytest.mark.usefixtures("may_mount")
def test_a_vault_that_gets_full_keeps_its_points_and_goes_on_with_more_room(
    tmp_path: Path, source: Path, faults: Faults
) -> None:
    with small_disk(tmp_path / "vault", "24m") as disk:
        small_vault(stored_in(disk))
        back_up_under_lock(stored_in(disk), source)
        before = read_all(open_vault(stored_in(disk)))
        add_noise(source, 40)
        faults.inject()

        with pytest.raises(StorageFull):
            back_up_under_lock(stored_in(disk), source)

        assert_points_whole(stored_in(disk), before)
        assert os.listdir(disk / "locks") == []
        mount("-o", "remount,size=100m", at=disk)
        assert_goes_on(stored_in(disk), source)
        assert_restic_agrees(disk)
        faults.survive()


@pytest.mark.real
@pytest.mark.usefixtures("may_mount")
@pytest.mark.parametrize("size", ["4k", "64k"])
def test_a_full_scratch_costs_time_and_nothing_else(
    tmp_path: Path, source: Path, memory: MemoryStorage, faults: Faults, size: str
) -> None:
    build_small_tree(source / "more", 3, files=900, mean_size=100)
    with small_disk(tmp_path / "scratch", size) as disk:
        for _ in range(2):
            faults.inject()
            assert_goes_on(memory, source, cache=disk)
            faults.survive()


@pytest.mark.real
@pytest.mark.usefixtures("may_mount")
def test_a_scratch_that_becomes_read_only_costs_time_and_nothing_else(
    tmp_path: Path, source: Path, memory: MemoryStorage, faults: Faults
) -> None:
    with small_disk(tmp_path / "scratch", "1m") as disk:
        for prepared in (True, False):
            if prepared:
                assert_goes_on(memory, source, cache=disk / "known")
            mount("-o", "remount,ro", at=disk)
            change_tree(source, 4, 0.2)
            faults.inject()
            assert_goes_on(memory, source, cache=disk / ("known" if prepared else "new"))
            faults.survive()
            mount("-o", "remount,rw", at=disk)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("call", ["open", "pwrite", "ftruncate", "replace", "makedirs"])
def test_a_scratch_that_fails_in_any_call_costs_time_and_nothing_else(  # noqa: PLR0917  fixtures
    tmp_path: Path,
    source: Path,
    memory: MemoryStorage,
    faults: Faults,
    call: str,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = tmp_path / "scratch"
    if call != "makedirs":
        assert_goes_on(memory, source, cache=cache)
        change_tree(source, 4, 0.2)
    fails_below(cache, call, number, monkeypatch, faults)

    assert_goes_on(memory, source, cache=cache)

    monkeypatch.undo()
    assert faults.injected > 0
    change_tree(source, 5, 0.2)
    assert_goes_on(memory, source, cache=cache)
    for _ in range(faults.injected):
        faults.survive()


def fails_below(
    folder: Path, call: str, number: int, monkeypatch: pytest.MonkeyPatch, faults: Faults
) -> None:
    """Every such call of this process on a file below the folder fails."""
    original = getattr(os, call)

    def failing(target: str | bytes | int, *rest: object, **more: object) -> object:
        path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else target
        if not os.fsdecode(path).startswith(str(folder)):
            return original(target, *rest, **more)
        faults.inject()
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, failing)


def test_a_scratch_removed_while_it_is_used_costs_time_and_nothing_else(
    tmp_path: Path, source: Path, memory: MemoryStorage, faults: Faults
) -> None:
    cache = tmp_path / "scratch"
    assert_goes_on(memory, source, cache=cache)
    change_tree(source, 4, 0.2)
    storage = DeadlyStorage(memory, call=3, act=lambda: shutil.rmtree(cache))
    faults.inject()

    assert_goes_on(storage, source, cache=cache)

    assert not cache.exists() or contents(source)
    faults.survive()
