"""Stock restic and we prune, lock and read each other's repositories."""

import json
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.locking import held
from holdfast.app.prune import prune
from holdfast.app.retain import retain
from holdfast.base.clock import SystemClock
from holdfast.base.secret import Secret
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import identity, open_vault, read_all
from holdfast.testing.waiting import wait_until
from holdfast.vault.errors import VaultLocked
from holdfast.vault.policy.prune import PruneLimits
from holdfast.vault.policy.retention import Policy
from holdfast.vault.policy.retention_grammar import parse_every
from holdfast.vault.policy.retention_rules import Unit
from holdfast.vault.repository import Repository

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
]

PASSPHRASE = "a passphrase of restic"
CLEAN = PruneLimits(max_unused=0, small_packs=3)
_PATIENCE = timedelta(minutes=5)


class Restic:
    """Stock restic on one repository, as a user runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "RESTIC_REPOSITORY": str(folder),
            "RESTIC_PASSWORD": PASSPHRASE,
            "RESTIC_CACHE_DIR": str(folder.parent / "cache"),
        }

    def __call__(self, *words: str, status: int = 0) -> str:
        done = self.run(*words)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["restic", *words], env=self.environment, capture_output=True, text=True, check=False
        )

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").stdout)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["restic", *words],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture
def restic(tmp_path: Path) -> Restic:
    found = Restic(tmp_path / "repo")
    found("init", "--repository-version", "2")
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def ours(restic: Restic) -> Repository:
    return open_vault(
        DirectoryStorage(str(restic.folder)),
        clock=SystemClock(),
        who=identity(os.uname().nodename),
        passphrase=Secret(PASSPHRASE.encode()),
    )


def back_up_changing(restic: Restic, source: Path, *, times: int) -> None:
    """Backups of a tree in which files come, change and go."""
    for day in range(times):
        for number in range(12):
            (source / f"{number % 3}").mkdir(exist_ok=True)
            path = source / f"{number % 3}" / f"file-{number}"
            if (number + day) % 4 == 0:
                path.write_bytes(random.Random(day * 100 + number).randbytes(60_000))
            elif (number + day) % 7 == 0 and path.exists():
                path.unlink()
        restic("backup", str(source))


def forget_all_but_two(restic: Restic) -> None:
    ids = [snapshot["id"] for snapshot in restic.json("snapshots")]
    restic("forget", *ids[:-2])


def test_what_restic_made_and_we_pruned_restic_finds_clean(restic: Restic, source: Path) -> None:
    back_up_changing(restic, source, times=5)
    forget_all_but_two(restic)
    before = read_all(ours(restic))

    plan = prune(ours(restic), limits=CLEAN).plan

    assert plan.packs_repacked > 0
    assert plan.bytes_freed > 60_000
    assert "no errors were found" in restic("check", "--read-data")
    assert read_all(ours(restic)) == before
    restic("backup", str(source))
    restic("prune", "--max-unused", "0")
    assert "no errors were found" in restic("check", "--read-data")


def test_after_restics_prune_we_read_everything(restic: Restic, source: Path) -> None:
    back_up_changing(restic, source, times=4)
    forget_all_but_two(restic)
    before = read_all(ours(restic))
    prune(ours(restic), limits=CLEAN)

    restic("forget", restic.json("snapshots")[0]["id"])
    restic("prune", "--max-unused", "0")

    after = read_all(ours(restic))
    assert len(after) == len(before) - 1
    assert all(before[point] == files for point, files in after.items())


def test_restic_restores_what_we_pruned(restic: Restic, source: Path, tmp_path: Path) -> None:
    back_up_changing(restic, source, times=3)
    forget_all_but_two(restic)

    prune(ours(restic), limits=CLEAN)

    restic("restore", "latest", "--target", str(tmp_path / "back"))
    restored = tmp_path / "back" / source.relative_to("/")
    assert subprocess.run(["diff", "-r", source, restored], check=False).returncode == 0


def test_restic_respects_our_locks(restic: Restic, source: Path) -> None:
    back_up_changing(restic, source, times=1)

    with held(ours(restic)):
        restic("backup", str(source))
        assert "locked" in restic("prune", status=1)
    with held(ours(restic), exclusive=True):
        assert "locked" in restic("backup", str(source), status=1)
    restic("prune")


@pytest.fixture
def running_backup(restic: Restic) -> Iterator[subprocess.Popen[bytes]]:
    """A restic backup that waits for its input, and so holds its lock."""
    started = restic.start("backup", "--stdin")
    wait_until_locked(restic)
    yield started
    started.kill()
    started.communicate()


def locks(restic: Restic) -> list[str]:
    """Without the unfinished ones."""
    return [path.name for path in (restic.folder / "locks").iterdir() if len(path.name) == 64]


def wait_until_locked(restic: Restic) -> None:
    wait_until(lambda: locks(restic))


def test_we_respect_restics_locks(
    restic: Restic, source: Path, running_backup: subprocess.Popen[bytes]
) -> None:
    vault = ours(restic)

    with held(vault):
        pass
    with pytest.raises(VaultLocked), held(vault, exclusive=True):
        pass
    running_backup.communicate(b"the end of the input")
    with held(vault, exclusive=True):
        pass
    assert len(read_all(vault)) == 1


@pytest.mark.skipif(
    os.stat("/proc/self/ns/pid").st_ino != 0xEFFFFFFC,
    reason="in a container nobody can tell that a process outside has ended",
)
def test_the_lock_of_a_killed_restic_is_no_obstacle(
    restic: Restic, running_backup: subprocess.Popen[bytes]
) -> None:
    running_backup.kill()
    running_backup.communicate()
    assert locks(restic)

    with held(ours(restic), exclusive=True):
        pass

    assert not locks(restic)
    restic("prune")


@pytest.mark.timeout(900)
def test_restics_backups_and_our_prunes_at_once(
    restic: Restic, source: Path, tmp_path: Path
) -> None:
    """Stock restic gives up at once where it meets a lock, so it is started until it succeeds."""
    other = tmp_path / "other"
    shutil.copytree(source, other)
    failures: list[BaseException] = []

    def back_up(folder: Path) -> None:
        dice = random.Random(folder.name)
        for number in range(4):
            (folder / f"{number % 2}").write_bytes(dice.randbytes(40_000))
            deadline = time.monotonic() + _PATIENCE.total_seconds()
            while restic.run("backup", str(folder)).returncode:
                assert time.monotonic() < deadline
                time.sleep(dice.random())

    def guarded(folder: Path) -> None:
        try:
            back_up(folder)
        except BaseException as err:
            failures.append(err)

    writers = [threading.Thread(target=guarded, args=(folder,)) for folder in (source, other)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        began, vault = time.monotonic(), ours(restic)
        retain(vault, Policy(rules=tuple(parse_every(Unit.LAST, "2"))), wait=_PATIENCE)
        prune(vault, limits=CLEAN, wait=_PATIENCE)
        # Leave the vault to the others, the longer the slower everything is.
        time.sleep(max(0.5, 2 * (time.monotonic() - began)))
    for writer in writers:
        writer.join()

    assert failures == []
    assert "no errors were found" in restic("check", "--read-data")
    assert len(read_all(ours(restic))) >= 2
