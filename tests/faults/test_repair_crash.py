"""A repair that is broken off anywhere is finished by the next one, and loses no more."""

import hashlib
import random

import pytest

from holdfast.base.ids import BlobId
from holdfast.storage.errors import StorageFull
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.damage import HARMS, copy_of
from holdfast.testing.faulty_storage import FaultyStorage, RecordingStorage, crashes
from holdfast.testing.vaults import add_point, open_vault, read_all, small_vault
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_subset import Subset
from holdfast.vault.layout import DATA, INDEX, SNAPSHOTS
from holdfast.vault.pack_header import Kind
from holdfast.vault.repair import Repair
from holdfast.vault.repair_planning import RepairOptions

pytestmark = pytest.mark.faults

OPTIONS = RepairOptions(read=Subset(), forget=True, workers=1)


def damaged(harm: str, folder: str) -> MemoryStorage:
    storage = MemoryStorage()
    vault = small_vault(storage)
    dice = random.Random(harm + folder)
    for number in range(3):
        files = {"a": b"the same" * 300, f"b{number}": dice.randbytes(2500)}
        add_point(vault, {f"srv/{name}": content for name, content in files.items()}, chunk=700)
    HARMS[harm](storage, max(storage.list(folder), key=lambda entry: entry.size).name)
    return storage


def contents(storage: MemoryStorage) -> set[tuple[str, bytes]]:
    """All files of all points; what was recovered counts by the path it once had."""
    points = read_all(open_vault(storage)).values()
    return {
        (path[path.index("srv/") :], content) for files in points for path, content in files.items()
    }


@pytest.mark.parametrize("folder", [DATA, INDEX, SNAPSHOTS])
@pytest.mark.parametrize("harm", ["flip-middle", "truncate", "delete", "swap"])
def test_every_prefix_of_a_repair_can_be_repaired_to_the_same_end(folder: str, harm: str) -> None:
    start = damaged(harm, folder)
    recording = RecordingStorage(copy_of(start))
    Repair(open_vault(recording), OPTIONS).apply(lambda: None)
    finished = copy_of(recording)
    expected = contents(finished)

    for _, storage in crashes(recording.operations, start=lambda: copy_of(start)):
        Repair(open_vault(storage), OPTIONS).apply(lambda: None)
        after = copy_of(storage)

        report = check(open_vault(after), CheckOptions(read=Subset(), workers=1, note=False))
        assert not report.is_damaged
        assert {found.code for found in report.findings} <= {"pack-orphan"}
        assert contents(after) == expected


def test_a_full_vault_stops_a_repair_before_anything_is_removed() -> None:
    start = damaged("flip-middle", DATA)
    faulty = FaultyStorage(copy_of(start))
    faulty.fail("put", StorageFull(place="", name="", reason="no space"))
    before = {entry.name for entry in start.list("")}

    with pytest.raises(StorageFull):
        Repair(open_vault(faulty), OPTIONS).apply(lambda: None)

    assert {entry.name for entry in faulty.list("")} >= before
    assert faulty.unused() == []


def test_a_dry_run_changes_nothing_and_names_every_lost_path() -> None:
    storage = damaged("delete", DATA)
    recording = RecordingStorage(storage)

    plan = Repair(open_vault(recording), OPTIONS).plan

    assert recording.operations == []
    assert plan.losses
    assert all(loss.snapshots for loss in plan.losses)


def test_each_index_file_that_named_lost_blobs_is_replaced() -> None:
    storage = MemoryStorage()
    vault = small_vault(storage)
    for number in range(3):
        add_point(vault, {"a": bytes([number]) * 900})
    lost = BlobId(hashlib.sha256(bytes([1]) * 900).digest())
    (copy,) = vault.index.find_all(Kind.DATA, lost)
    HARMS["flip-start"](storage, f"{DATA}/{copy.pack.hex()[:2]}/{copy.pack.hex()}")
    before = set(vault.files.names(INDEX))

    Repair(open_vault(storage), OPTIONS).apply(lambda: None)

    after = open_vault(storage)
    assert not before <= set(after.files.names(INDEX))
    assert not after.index.has(Kind.DATA, lost)
    assert len(before & set(after.files.names(INDEX))) == 2


def test_a_second_repair_has_nothing_to_do() -> None:
    for forget in (False, True):
        storage = damaged("truncate", DATA)
        options = RepairOptions(read=Subset(), forget=forget, workers=1)
        Repair(open_vault(storage), options).apply(lambda: None)
        points = {entry.name for entry in storage.list(SNAPSHOTS)}

        again = Repair(open_vault(storage), options)
        again.apply(lambda: None)

        assert again.plan.is_empty == forget
        assert {entry.name for entry in storage.list(SNAPSHOTS)} == points
