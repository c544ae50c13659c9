"""Whether a machine came up from a point: told as long as there is the point, and no longer."""

from datetime import UTC, datetime

import msgspec
import pytest

from holdfast.app.point_boots import last_boot
from holdfast.app.prune import prune
from holdfast.machines.point_writer import TAG
from holdfast.machines.verdicts import VERDICTS, Verdict, load_verdicts, save_verdict
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.vaults import add_point, small_vault
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot
from holdfast.vault.tags import TagChange, change_tags

GOOD = Verdict(point="", name="web", at=datetime(2026, 5, 1, 12, tzinfo=UTC), is_good=True)


class Watched(MemoryStorage):
    """Notes what is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def get(self, name: str) -> bytes:
        self.fetched.append(name)
        return super().get(name)


def tried(vault: Repository, point: Snapshot, *, hour: int = 12, is_good: bool = True) -> Verdict:
    at = GOOD.at.replace(hour=hour)
    verdict = msgspec.structs.replace(GOOD, point=point.id, at=at, is_good=is_good)
    save_verdict(vault.files, verdict)
    return verdict


def test_the_last_try_counts() -> None:
    vault = small_vault()
    point, other = (add_point(vault, {"a": name}, tags=[TAG]) for name in (b"1", b"2"))
    tried(vault, other, hour=14)
    bad = tried(vault, point, hour=13, is_good=False)
    tried(vault, point)

    assert last_boot(vault, point, warn=pytest.fail) == bad


def test_a_point_that_was_marked_keeps_what_is_known_of_it() -> None:
    vault = small_vault()
    point = add_point(vault, {"a": b"1"}, tags=[TAG])
    verdict = tried(vault, point)

    change_tags(vault, point, TagChange(add=("audit",)), among=[point])

    (marked,) = vault.snapshots()
    assert marked.id != point.id
    assert last_boot(vault, marked, warn=pytest.fail) == verdict


def test_nobody_has_tried_to_boot_a_point_of_files() -> None:
    vault = small_vault()
    point = add_point(vault, {"a": b"1"})
    vault.storage.put(f"{VERDICTS}/{point.id}/{'0' * 64}", b"is not even looked at")

    assert last_boot(vault, point, warn=pytest.fail) is None


def known(vault: Repository, *points: Snapshot) -> list[Verdict]:
    return load_verdicts(vault.files, [point.id for point in points], warn=pytest.fail)


def test_a_prune_removes_the_verdicts_of_points_that_are_gone() -> None:
    vault = small_vault()
    kept, gone = (add_point(vault, {"a": name}, tags=[TAG]) for name in (b"1", b"2"))
    verdict, other = tried(vault, kept), tried(vault, gone)
    vault.storage.put(f"{VERDICTS}/{'0' * 64}", b"nobody knows of what")
    vault.delete_snapshot(gone.id)

    prune(vault, dry_run=True)
    assert known(vault, kept, gone) == [verdict, other]
    prune(vault)

    assert known(vault, kept, gone) == [verdict]


def test_a_prune_keeps_the_verdict_of_a_point_that_was_marked() -> None:
    vault = small_vault()
    point = add_point(vault, {"a": b"1"}, tags=[TAG])
    verdict = tried(vault, point)
    change_tags(vault, point, TagChange(add=("audit",)), among=[point])

    prune(vault)

    assert known(vault, point) == [verdict]


def test_verdicts_have_pictures_and_are_not_fetched_to_be_forgotten() -> None:
    storage = Watched()
    vault = small_vault(storage)
    points = [add_point(vault, {"a": bytes([number])}, tags=[TAG]) for number in range(3)]
    for point in points:
        tried(vault, point)
    vault.delete_snapshot(points[0].id)
    storage.fetched.clear()

    prune(vault)
    last_boot(vault, points[1], warn=pytest.fail)

    (fetched,) = [name for name in storage.fetched if name.startswith(VERDICTS)]
    assert points[1].id in fetched
    assert known(vault, points[0]) == []
