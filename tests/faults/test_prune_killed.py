"""A prune that is killed for good, on a real disk, at many moments; the next one needs no help."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.app.prune import prune
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import add_point, identity, open_vault, read_all, small_vault
from holdfast.vault.layout import LOCKS
from holdfast.vault.policy.prune import PruneLimits

pytestmark = [pytest.mark.faults, pytest.mark.slow]

CLEAN = PruneLimits(max_unused=0, small_packs=3)
HERE = os.uname().nodename

DIES = """
import os, signal, sys
from holdfast.app.prune import prune
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import identity, open_vault
from holdfast.vault.policy.prune import PruneLimits

storage = FaultyStorage(DirectoryStorage(sys.argv[1]))
vault = open_vault(storage, who=identity(sys.argv[2]))
storage.kill_at(storage.calls + int(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL))
prune(vault, limits=PruneLimits(max_unused=0, small_packs=3))
"""


def worn(folder: Path) -> DirectoryStorage:
    storage = DirectoryStorage(str(folder))
    storage.create_root()
    vault = small_vault(storage)
    old = [
        add_point(vault, {f"{n}": random.Random(n + day).randbytes(2000) for n in range(4)})
        for day in range(4)
    ]
    for point in old[::2]:
        vault.delete_snapshot(point.id)
    return storage


def calls_of_a_whole_prune(folder: Path) -> int:
    counting = FaultyStorage(worn(folder))
    vault = open_vault(counting, who=identity(HERE))
    opened = counting.calls
    prune(vault, limits=CLEAN)
    return counting.calls - opened


def test_the_next_prune_goes_on_past_the_locks_of_the_dead(tmp_path: Path) -> None:
    calls = calls_of_a_whole_prune(tmp_path / "whole")
    left_a_lock = 0

    for call in range(3, calls + 1, max(1, calls // 16)):
        storage = worn(tmp_path / str(call))
        before = read_all(open_vault(storage))
        command = [sys.executable, "-c", DIES, storage.place, HERE, str(call)]
        died = subprocess.run(command, capture_output=True, text=True, check=False)
        assert died.returncode == -signal.SIGKILL, died.stderr
        left_a_lock += bool(list(storage.list(LOCKS)))

        assert read_all(open_vault(storage)) == before
        prune(open_vault(storage, who=identity(HERE)), limits=CLEAN)

        assert read_all(open_vault(storage)) == before
        assert list(storage.list(LOCKS)) == []
        again = prune(open_vault(storage, who=identity(HERE)), limits=CLEAN, dry_run=True).plan
        assert (again.packs_deleted, again.packs_unnamed, again.bytes_unused_after) == (0, 0, 0)

    assert left_a_lock > 10
