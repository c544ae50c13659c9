"""A clock that jumps by years, between backups and during one."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from holdfast.storage.memory import MemoryStorage
from holdfast.testing.damage import copy_of
from holdfast.testing.killing import DeadlyStorage, HastyClock, back_up_under_lock
from holdfast.testing.trees import build_small_tree, change_tree
from holdfast.testing.vaults import open_vault, read_all, small_vault
from holdfast.vault.layout import LOCKS
from tests.faults.conftest import Faults
from tests.faults.survival import Points, assert_goes_on, assert_points_whole

pytestmark = pytest.mark.faults

YEARS = timedelta(days=3650)
JUMPS = [YEARS, -YEARS, timedelta(hours=1), -timedelta(hours=1)]


class JumpingClock(HastyClock):
    """The real time until somebody sets it."""

    def __init__(self) -> None:
        self.off_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.off_by

    def set_off(self, by: timedelta) -> None:
        self.off_by = by


@pytest.fixture
def source(tmp_path: Path) -> Path:
    build_small_tree(tmp_path / "source", 1, files=30)
    return tmp_path / "source"


@pytest.fixture
def memory(source: Path, tmp_path: Path) -> MemoryStorage:
    storage = MemoryStorage()
    small_vault(storage)
    back_up_under_lock(storage, source, cache=tmp_path / "scratch")
    return storage


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_after_a_jump_changes_are_seen_and_points_stay(
    memory: MemoryStorage, source: Path, tmp_path: Path, faults: Faults, jump: timedelta
) -> None:
    clock, cache = JumpingClock(), tmp_path / "scratch"
    before: Points = read_all(open_vault(memory))

    for number, off_by in enumerate([jump, timedelta(0)]):
        clock.off_by = off_by
        change_tree(source, 2 + number, 0.3)
        faults.inject()
        assert_goes_on(memory, source, cache=cache, clock=clock)
        before = assert_points_whole(memory, before)
        faults.survive()

    assert len(before) == 3


@pytest.mark.slow
@pytest.mark.parametrize("jump", [YEARS, -YEARS], ids=str)
def test_a_jump_at_any_call_of_a_backup_does_not_disturb_it(
    memory: MemoryStorage, source: Path, tmp_path: Path, faults: Faults, jump: timedelta
) -> None:
    change_tree(source, 2, 0.3)
    before = read_all(open_vault(memory))
    counting = DeadlyStorage(copy_of(memory))
    back_up_under_lock(counting, source)

    for call in range(1, len(counting.names) + 1):
        clock, storage = JumpingClock(), copy_of(memory)
        deadly = DeadlyStorage(storage, call=call, act=partial(clock.set_off, jump))
        faults.inject()

        report = back_up_under_lock(deadly, source, clock=clock)

        assert clock.off_by == jump
        assert report.seconds >= 0
        assert list(storage.list(LOCKS)) == []
        assert len(assert_points_whole(storage, before)) == 2
        faults.survive()
