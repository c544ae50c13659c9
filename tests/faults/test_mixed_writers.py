"""Our backups and prunes beside those of stock restic, all at once on one vault."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from holdfast.base.secret import Secret
from holdfast.testing.trees import build_small_tree, change_tree
from holdfast.testing.vaults import open_vault, read_all
from holdfast.vault.repository import Repository
from tests.faults.conftest import Faults
from tests.faults.survival import checked, contents, stored_in

pytestmark = [
    pytest.mark.faults,
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.timeout(800),
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
]

PASSPHRASE = "correct horse battery staple"
SCRIPT = Path(sys.executable).with_name("holdfast")
# How often an actor asks again for a vault that others hold: for minutes, since a prune syncs many
# small files and a busy disk makes it hold its lock for that long.
TRIES, PAUSE = 400, 0.25
KILLED = -signal.SIGKILL


class Crowd:
    """Two sources, two programs, one vault."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.vault = root / "vault"
        self.sources = {"holdfast": root / "ours", "restic": root / "theirs"}
        (root / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
        (root / "passphrase").chmod(0o600)
        for number, source in enumerate(self.sources.values()):
            build_small_tree(source, number, files=40)
        self.run("holdfast", "vault", "create", "--lab")
        self.kept: dict[str, dict[str, bytes]] = {}

    def start(self, program: str, *words: str | Path) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.root),
            "HOLDFAST_HOME": str(self.root / "home"),
            "HOLDFAST_VAULT": str(self.vault),
            "HOLDFAST_PASSPHRASE_FILE": str(self.root / "passphrase"),
            "RESTIC_REPOSITORY": str(self.vault),
            "RESTIC_PASSWORD_FILE": str(self.root / "passphrase"),
            "RESTIC_CACHE_DIR": str(self.root / "cache"),
        }
        path = str(SCRIPT) if program == "holdfast" else program
        return subprocess.Popen(
            [path, *map(str, words)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, program: str, *words: str | Path) -> str:
        """Run to success, again and again while others hold the vault."""
        said = ""
        for _ in range(TRIES):
            with self.start(program, *words) as process:
                said = process.communicate()[0].decode()
            if process.returncode == 0:
                return said
            assert "lock" in said, f"{program} {words}: {process.returncode} {said}"
            threading.Event().wait(PAUSE)
        raise AssertionError(f"{program} {words} never got the vault: {said}")

    def kill_midway(self, seconds: float, *words: str | Path) -> int:
        program, *others = words
        with self.start(str(program), *others) as process:
            try:
                process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return process.returncode

    def back_up(self, program: str) -> None:
        self.run(program, "backup", self.sources[program])

    def forget_oldest(self) -> None:
        """With restic, which also prunes."""
        oldest = min(self.open().snapshots(), key=lambda snapshot: snapshot.taken_at)
        self.run("restic", "forget", oldest.id, "--prune", "--max-unused", "0")
        self.kept.pop(oldest.id, None)

    def open(self) -> Repository:
        return open_vault(stored_in(self.vault), passphrase=Secret(PASSPHRASE.encode()))

    def assert_whole(self) -> None:
        now = read_all(self.open())
        assert {point: now.get(point) for point in self.kept} == self.kept
        self.kept = now
        assert checked(stored_in(self.vault)).damage == ()
        assert "no errors were found" in self.run("restic", "check", "--read-data")

    def assert_newest_are_the_sources(self) -> None:
        points = sorted(self.open().snapshots(), key=lambda snapshot: snapshot.taken_at)
        for source in self.sources.values():
            newest = [point for point in points if str(source) in map(str, point.paths)][-1]
            assert self.kept[newest.id] == contents(source)


@pytest.fixture
def crowd(tmp_path: Path) -> Crowd:
    return Crowd(tmp_path)


def all_at_once(*works: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(work) for work in works]:
            done.result()


def test_two_writers_and_two_pruners_at_once(crowd: Crowd, faults: Faults) -> None:
    for program in crowd.sources:
        crowd.back_up(program)
        crowd.back_up(program)
    crowd.assert_whole()

    for number in range(3):
        for source in crowd.sources.values():
            change_tree(source, number, 0.4)
        faults.inject()
        all_at_once(
            lambda: crowd.back_up("holdfast"),
            lambda: crowd.back_up("restic"),
            crowd.forget_oldest,
            lambda: crowd.run("holdfast", "prune", "--max-unused", "0"),
        )
        crowd.assert_whole()
        crowd.assert_newest_are_the_sources()
        faults.survive()


def test_killed_in_the_crowd_nobody_stops_the_others(crowd: Crowd, faults: Faults) -> None:
    dice = random.Random(11)
    for program in crowd.sources:
        crowd.back_up(program)
    crowd.assert_whole()
    victims = [
        ("holdfast", "backup", crowd.sources["holdfast"]),
        ("restic", "backup", crowd.sources["restic"]),
        ("holdfast", "prune", "--max-unused", "0"),
    ]
    ends: list[int] = []

    def kill(seconds: float, victim: tuple[str | Path, ...]) -> None:
        ends.append(crowd.kill_midway(seconds, *victim))

    for number in range(2):
        for source in crowd.sources.values():
            change_tree(source, 10 + number, 0.4)
        for victim in victims:
            faults.inject()
            # An unchanged backup is done within a quarter of a second.
            seconds = 0.03 + dice.random() / 5
            all_at_once(
                lambda: crowd.back_up("holdfast"),
                partial(kill, seconds, victim),
                lambda: crowd.run("holdfast", "prune", "--max-unused", "0"),
            )
            faults.survive()
        # restic itself would want an `unlock` from its user; ours takes the locks of the dead.
        crowd.run("holdfast", "vault", "unlock")
        crowd.assert_whole()

    assert KILLED in ends
    all_at_once(lambda: crowd.back_up("holdfast"), lambda: crowd.back_up("restic"))
    crowd.assert_whole()
    crowd.assert_newest_are_the_sources()
