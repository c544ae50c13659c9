"""Retention, tags and passphrases killed after any of their writes."""

import random
from datetime import timedelta

import pytest

from holdfast.app import passphrases
from holdfast.app.prune import prune
from holdfast.app.retain import retain
from holdfast.app.tags import tag_points
from holdfast.base.secret import Secret
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Storage
from holdfast.testing.faulty_storage import RecordingStorage, crashes
from holdfast.testing.vaults import (
    CHEAP,
    PASSPHRASE,
    add_point,
    open_vault,
    read_all,
    small_vault,
)
from holdfast.vault.errors import WrongPassphrase
from holdfast.vault.layout import LOCKS
from holdfast.vault.policy.retention import Policy
from holdfast.vault.policy.retention_grammar import parse_every
from holdfast.vault.policy.retention_rules import Unit
from holdfast.vault.repository import Repository
from holdfast.vault.tags import TagChange

pytestmark = pytest.mark.faults

OTHER = Secret(b"the next passphrase")


def filled(storage: Storage) -> Repository:
    vault = small_vault(storage)
    now = vault.clock.now()
    for day in range(5):
        files = {"same": b"1" * 500, f"of-{day}": random.Random(day).randbytes(900)}
        add_point(vault, files, time=now - timedelta(days=day))
    return vault


def copy_of(storage: Storage) -> MemoryStorage:
    copied = MemoryStorage()
    for entry in storage.list(""):
        copied.put(entry.name, storage.get(entry.name))
    return copied


def forget_locks(storage: Storage) -> None:
    for entry in list(storage.list(LOCKS)):
        storage.delete(entry.name)


def test_a_killed_retention_forgets_only_what_it_should_and_is_completed_by_the_next() -> None:
    start = MemoryStorage()
    whole = read_all(filled(start))
    policy = Policy(rules=tuple(parse_every(Unit.DAILY, "2")))
    recording = RecordingStorage(copy_of(start))
    kept = {point.id for point in retain(open_vault(recording), policy).keep}

    for _done, storage in crashes(recording.operations, start=lambda: copy_of(start)):
        found = read_all(open_vault(storage))
        assert kept <= found.keys()
        assert all(whole[point] == files for point, files in found.items())
        forget_locks(storage)
        retain(open_vault(storage), policy)
        prune(open_vault(storage))
        assert read_all(open_vault(storage)) == {point: whole[point] for point in kept}

    assert len(kept) == 2
    assert len(recording.operations) == 5  # a lock comes and goes, three points go


def test_a_killed_change_of_tags_loses_no_point_and_is_completed_by_the_next() -> None:
    start = MemoryStorage()
    whole = read_all(filled(start))
    recording = RecordingStorage(copy_of(start))
    tag_points(open_vault(recording), [], TagChange(add=("kept",)))

    for _done, storage in crashes(recording.operations, start=lambda: copy_of(start)):
        contents = [tuple(files) for files in read_all(open_vault(storage)).values()]
        assert set(contents) == {tuple(files) for files in whole.values()}
        forget_locks(storage)
        tag_points(open_vault(storage), [], TagChange(add=("kept",)))
        points = open_vault(storage).snapshots()
        assert [point.stored.tags for point in points] == [["kept"]] * 5
        assert {point.stored.original for point in points} == whole.keys()


def test_a_killed_change_of_the_passphrase_leaves_at_least_one_that_opens() -> None:
    start = MemoryStorage()
    whole = read_all(filled(start))
    recording = RecordingStorage(copy_of(start))
    passphrases.change(open_vault(recording), OTHER, cost=CHEAP)
    opened_by: list[tuple[bool, bool]] = []

    for _done, storage in crashes(recording.operations, start=lambda: copy_of(start)):
        opened_by.append((opens(storage, PASSPHRASE), opens(storage, OTHER)))
        assert any(opened_by[-1])
        forget_locks(storage)
        current = PASSPHRASE if opened_by[-1][0] else OTHER
        passphrases.change(open_vault(storage, passphrase=current), OTHER, cost=CHEAP)
        assert not opens(storage, PASSPHRASE)
        assert read_all(open_vault(storage, passphrase=OTHER)) == whole

    assert sorted(set(opened_by)) == [(False, True), (True, False), (True, True)]


def opens(storage: Storage, passphrase: Secret) -> bool:
    try:
        open_vault(storage, passphrase=passphrase)
    except WrongPassphrase:
        return False
    return True
