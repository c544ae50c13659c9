"""Two writers and a pruner at once, under real locks: no finished point loses anything."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from holdfast.app.locking import held
from holdfast.app.prune import prune
from holdfast.app.retain import retain
from holdfast.base.clock import SystemClock
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import add_point, identity, open_vault, read_all, small_vault
from holdfast.testing.waiting import wait_until
from holdfast.vault.policy.prune import PruneLimits
from holdfast.vault.policy.retention import Policy
from holdfast.vault.policy.retention_grammar import parse_every
from holdfast.vault.policy.retention_rules import Unit
from holdfast.vault.repository import Repository

pytestmark = [pytest.mark.faults, pytest.mark.slow]

CLEAN = PruneLimits(max_unused=0, small_packs=2)
PATIENCE = timedelta(seconds=300)


def as_process(storage: DirectoryStorage, host: str) -> Repository:
    return open_vault(storage, clock=SystemClock(), who=identity(host))


def back_up(storage: DirectoryStorage, host: str, *, times: int, made: dict[str, object]) -> None:
    """Points that share blobs with each other and with the other writer."""
    dice = random.Random(host)
    for _ in range(times):
        vault = as_process(storage, host)
        with held(vault, wait=PATIENCE) as lock:
            files = {f"{n}": random.Random(n).randbytes(3000) for n in dice.sample(range(12), 4)}
            # What a backup believes to be there must stay until its snapshot is written.
            assert vault.index is not None
            vault.clock.sleep(dice.random() / 4)
            lock.check()
            made[add_point(vault, files).id] = files


def test_writers_and_a_pruner_at_once(tmp_path: Path) -> None:
    storage = DirectoryStorage(str(tmp_path))
    small_vault(storage)
    made: dict[str, object] = {}
    removed: set[str] = set()
    failures: list[BaseException] = []
    keep_two = Policy(rules=tuple(parse_every(Unit.LAST, "2")))

    def has_made(points: int) -> bool:
        return bool(failures) or len(made) >= points

    def prune_often() -> None:
        for share in range(1, 5):
            # Between the backups, however fast they are.
            wait_until(partial(has_made, 4 * share), within=300)
            vault = as_process(storage, "pruner")
            removed.update(point.id for point in retain(vault, keep_two, wait=PATIENCE).remove)
            prune(vault, limits=CLEAN, wait=PATIENCE)

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as err:
                failures.append(err)

        return run

    works = [
        lambda: back_up(storage, "alpha", times=8, made=made),
        lambda: back_up(storage, "beta", times=8, made=made),
        prune_often,
    ]
    threads = [threading.Thread(target=guarded(work)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(made) == 16
    assert len(removed) > 2
    left = read_all(as_process(storage, "reader"))
    assert left == {point: files for point, files in made.items() if point not in removed}
