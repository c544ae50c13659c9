"""Damaged vaults and the exact report on each: a recipe here, the report beside it.

`report.txt` holds what `check --read-data` says, then what a repair would do. Ids differ from run
to run and read as <id>.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.storage.memory import MemoryStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.damage import HARMS, overwrite
from holdfast.testing.vaults import add_point, blob_of, open_vault, small_vault
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_findings import CheckReport, Loss
from holdfast.vault.check_subset import Subset
from holdfast.vault.layout import DATA, INDEX, KEYS, LOCKS, SNAPSHOTS, pack_path
from holdfast.vault.pack_header import Kind
from holdfast.vault.repair import Repair
from holdfast.vault.repair_plan import RepairPlan
from holdfast.vault.repair_planning import RepairOptions
from holdfast.vault.repository import Repository

HERE = Path(__file__).parent
_ID = re.compile(r"[0-9a-f]{64}")

LETTER = b"Dear Ada, " * 150
LEDGER = b"one, two, three; " * 100
FIRST = {"srv/letters/ada": LETTER, "srv/ledger": LEDGER, "srv/empty": b""}
SECOND = {**FIRST, "srv/notes": b"call Grace" * 99}


def healthy() -> Repository:
    clock = FakeClock()
    vault = small_vault(MemoryStorage(), clock=clock)
    add_point(vault, FIRST, chunk=800)
    clock.jump(timedelta(days=1))
    add_point(vault, SECOND, chunk=800)
    return vault


def only(vault: Repository, folder: str, number: int = 0) -> str:
    """The files of a folder in the order they were written."""
    return [entry.name for entry in vault.storage.list(folder)][number]


def pack_of(vault: Repository, kind: Kind, content: bytes) -> str:
    return pack_path(vault.index.find_all(kind, blob_of(content))[0].pack)


def lost_pack(vault: Repository) -> None:
    vault.storage.delete(pack_of(vault, Kind.DATA, LETTER[:800]))


def flipped_bit_in_a_file(vault: Repository) -> None:
    HARMS["flip-start"](vault.storage, pack_of(vault, Kind.DATA, LETTER[:800]))


def flipped_bit_in_a_listing(vault: Repository) -> None:
    tree = vault.snapshots()[0].tree
    (srv,) = vault.load_tree(tree)
    location = vault.index.find_all(Kind.TREE, srv.subtree_id)[0]
    content = bytearray(vault.storage.get(pack_path(location.pack)))
    content[location.offset + location.length // 2] ^= 1
    overwrite(vault.storage, pack_path(location.pack), bytes(content))


def cut_pack(vault: Repository) -> None:
    HARMS["truncate"](vault.storage, pack_of(vault, Kind.DATA, LETTER[:800]))


def lost_index(vault: Repository) -> None:
    vault.storage.delete(only(vault, INDEX))


def damaged_index(vault: Repository) -> None:
    HARMS["flip-end"](vault.storage, only(vault, INDEX))


def damaged_point(vault: Repository) -> None:
    HARMS["empty"](vault.storage, only(vault, SNAPSHOTS))


def swapped_points(vault: Repository) -> None:
    HARMS["swap"](vault.storage, only(vault, SNAPSHOTS))


def foreign_key(vault: Repository) -> None:
    vault.storage.put(f"{KEYS}/{'0' * 64}", b"not a key")


def interrupted_backup(vault: Repository) -> None:
    content = vault.storage.get(pack_of(vault, Kind.DATA, LETTER[:800]))
    vault.storage.put(f"{DATA}/00/{'0' * 64}", content)
    vault.storage.put(f"{LOCKS}/{'0' * 64}", b"torn")
    vault.storage.put(f"{DATA}/lost+found", b"")


RECIPES: dict[str, Callable[[Repository], None]] = {
    "lost-pack": lost_pack,
    "flipped-bit-in-a-file": flipped_bit_in_a_file,
    "flipped-bit-in-a-listing": flipped_bit_in_a_listing,
    "cut-pack": cut_pack,
    "lost-index": lost_index,
    "damaged-index": damaged_index,
    "damaged-point": damaged_point,
    "swapped-points": swapped_points,
    "foreign-key": foreign_key,
    "interrupted-backup": interrupted_backup,
}


def written(report: CheckReport) -> Iterator[str]:
    yield f"check: {'damaged' if report.is_damaged else 'fine'}"
    for found in report.findings:
        yield f"{found.level.value} {found.code}: {found.sentence}"
    yield from map(lost, report.losses)


def lost(loss: Loss) -> str:
    what = "folder" if loss.is_folder else "file"
    return f"lost {what} {loss.path.decode()} in {len(loss.snapshots)} points"


def planned(plan: RepairPlan) -> Iterator[str]:
    yield ""
    yield f"repair: {'nothing to do' if plan.is_empty else 'needed'}"
    for name, count in {
        "key files removed": sum(not key.is_kept for key in plan.keys),
        "key files renamed": sum(key.is_kept for key in plan.keys),
        "unreadable small files removed": len(plan.rubbish),
        "index files replaced": len(plan.index_files),
        "packs added to the index": len(plan.adopted),
        "packs forgotten": len(plan.missing),
        "packs salvaged": len(plan.salvaged),
        "blobs saved": plan.blobs_saved,
        "blobs lost": plan.blobs_lost,
        "points written again": len(plan.points),
        "points renamed": len(plan.renamed_points),
        "points lost": len(plan.dead_points),
        "folders recovered": len(plan.recovered),
    }.items():
        if count:
            yield f"{name}: {count}"
    yield from map(lost, plan.losses)


@pytest.mark.parametrize("name", RECIPES)
def test_a_known_disease_is_reported_word_for_word(name: str) -> None:
    vault = healthy()
    RECIPES[name](vault)
    hurt = open_vault(vault.storage)

    report = check(hurt, CheckOptions(read=Subset(), workers=1, note=False))
    plan = Repair(hurt, RepairOptions(read=Subset(), workers=1)).plan

    text = _ID.sub("<id>", "\n".join([*written(report), *planned(plan)])) + "\n"
    assert text == (HERE / name / "report.txt").read_text()


def test_every_report_belongs_to_a_recipe() -> None:
    assert {path.parent.name for path in HERE.glob("*/report.txt")} == set(RECIPES)
