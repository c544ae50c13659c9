"""What a check says of vaults that are whole, untidy, or wrong in ways only our code could be."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from holdfast.base.ids import BlobId, PackId, TreeId
from holdfast.storage.errors import StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.damage import HARMS, overwrite
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import add_point, open_vault, small_vault
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_findings import SORTS, CheckReport, Finding, Level
from holdfast.vault.check_subset import Subset
from holdfast.vault.index_writer import write_index
from holdfast.vault.layout import DATA, INDEX, pack_path
from holdfast.vault.pack_header import Kind
from holdfast.vault.pack_writer import PackWriter
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import SnapshotFile
from holdfast.vault.tree import Node, encode_tree

TIME = "2026-01-01T00:00:00Z"
FILES = {"srv/a": b"one" * 500, "srv/b/c": b"two" * 500, "srv/b/d": b""}


def node(name: str, **fields: Any) -> Node:
    whole = {"type": "file", "content": [], **fields}
    return Node(name=name, mtime=TIME, atime=TIME, ctime=TIME, uid=0, gid=0, **whole)


def with_root(vault: Repository, content: bytes) -> None:
    """A point whose root listing is exactly this."""
    writer = PackWriter(vault.files)
    tree = writer.add(Kind.TREE, content)
    writer.finish()
    vault.save_snapshot(SnapshotFile(time=TIME, tree=tree.hex(), paths=["/srv"]))


def report_of(vault: Repository, *, read: bool = False) -> CheckReport:
    return check(vault, CheckOptions(read=Subset() if read else None, workers=1))


def codes(report: CheckReport) -> list[str]:
    return sorted({found.code for found in report.findings})


def test_a_whole_vault_has_no_findings_and_is_counted() -> None:
    vault = small_vault()
    add_point(vault, FILES)
    add_point(vault, {**FILES, "srv/e": b"three"})

    report = report_of(vault, read=True)

    assert report.findings == ()
    assert (report.snapshots, report.packs, report.packs_read) == (2, 4, 4)
    assert report.bytes_read == report.bytes_total > 0
    assert not report.is_damaged


def test_an_empty_vault_is_fine() -> None:
    assert report_of(small_vault(), read=True).findings == ()


def test_every_sort_of_finding_has_its_own_code_and_can_be_said() -> None:
    fields = dict.fromkeys(("name", "reason", "blobs", "packs", "seen", "wanted"), 1)

    sentences = {Finding(sort=sort, fields=fields).sentence for sort in SORTS}

    assert len({sort.code for sort in SORTS}) == len(SORTS) == len(sentences)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("a", content=None)],
        [node("a", type="dir", content=None)],
        [node("a", type="irregular")],
        [node("a", type="")],
        [node("")],
        [node(".")],
        [node("..")],
        [node("a/b")],
        [node("a\\x00")],
        [node("a"), node("a")],
        [node("a", size=5)],
    ],
)
def test_impossible_entries_are_damage(nodes: list[Node]) -> None:
    vault = small_vault()
    with_root(vault, encode_tree(nodes))

    report = report_of(vault)

    assert codes(report) == ["entry-invalid"]
    assert report.is_damaged


def test_entries_out_of_order_are_a_hint() -> None:
    vault = small_vault()
    with_root(vault, encode_tree([node("b"), node("a")]))

    report = report_of(vault)

    assert codes(report) == ["listing-unsorted"]
    assert not report.is_damaged


@pytest.mark.parametrize("content", [b"[]", b'{"nodes":[{"name":"a"}]}', b'{"nodes":7}'])
def test_a_listing_that_cannot_be_read_is_damage(content: bytes) -> None:
    vault = small_vault()
    with_root(vault, content)

    report = report_of(vault)

    assert codes(report) == ["tree-damaged"]
    (loss,) = report.losses
    assert (loss.path, loss.is_folder) == (b"/", True)


def test_a_size_that_is_not_that_of_the_content_is_damage() -> None:
    vault = small_vault()
    point = add_point(vault, {"a": b"four"})
    (entry,) = vault.load_tree(point.tree)
    with_root(vault, encode_tree([msgspec.structs.replace(entry, size=5)]))

    report = report_of(open_vault(vault.storage))

    assert codes(report) == ["entry-invalid"]
    assert "5 bytes long, but its content has 4" in report.findings[0].sentence


def test_missing_blobs_and_listings_are_counted_and_their_paths_named() -> None:
    vault = small_vault()
    gone = hashlib.sha256(b"gone").hexdigest()
    listing = [node("a", content=[gone]), node("d", type="dir", content=None, subtree=gone)]
    with_root(vault, encode_tree(listing))

    report = report_of(vault)

    assert codes(report) == ["blobs-missing", "trees-missing"]
    assert {(loss.path, loss.is_folder) for loss in report.losses} == {
        (b"/a", False),
        (b"/d", True),
    }
    assert all(found.losses for found in report.findings)


def test_a_shared_folder_is_lost_in_every_point_that_has_it() -> None:
    vault = small_vault()
    points = [add_point(vault, {**FILES, "x": bytes([n])}) for n in range(3)]
    lost = hashlib.sha256(FILES["srv/b/c"]).digest()
    pack = vault.index.find_all(Kind.DATA, BlobId(lost))[0].pack
    vault.storage.delete(pack_path(pack))

    report = report_of(open_vault(vault.storage))

    shared = next(loss for loss in report.losses if loss.path == b"/srv/b/c")
    assert set(shared.snapshots) == {point.id for point in points}
    assert codes(report) == ["pack-missing"]


def test_a_blob_with_a_second_good_copy_is_no_loss() -> None:
    vault = small_vault()
    add_point(vault, {"a": b"kept twice" * 100})
    writer = PackWriter(vault.files)
    writer.add(Kind.DATA, b"kept twice" * 100)
    writer.add(Kind.DATA, b"something else")
    writer.finish()
    blob = BlobId(hashlib.sha256(b"kept twice" * 100).digest())
    copies = open_vault(vault.storage).index.find_all(Kind.DATA, blob)

    for copy in {found.pack for found in copies}:
        HARMS["flip-start"](vault.storage, pack_path(copy))
        report = report_of(open_vault(vault.storage), read=True)
        assert codes(report) == ["blobs-damaged"]
        assert report.losses == ()
        HARMS["flip-start"](vault.storage, pack_path(copy))


def test_orphans_repeated_and_mixed_packs_and_strays_are_hints() -> None:
    vault = small_vault()
    add_point(vault, FILES)
    orphan = PackWriter(vault.files)
    orphan.add(Kind.DATA, b"never named")
    orphan.flush()
    write_index(vault.files, [(pack, rows) for pack, rows in _packs(vault)])
    vault.storage.put(f"{DATA}/notes.txt", b"who wrote this?")

    report = report_of(open_vault(vault.storage), read=True)

    assert codes(report) == ["pack-orphan", "pack-repeated", "stray-file"]
    assert not report.is_damaged


def _packs(vault: Repository) -> list[Any]:
    from holdfast.vault.check_packs import read_index

    return list(read_index(vault.files).rows)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda span: span._replace(plain_length=span.plain_length + 1), "pack-differs"),
        (lambda span: span._replace(kind=Kind(1 - span.kind)), "pack-differs"),
    ],
)
def test_an_index_that_says_something_else_than_the_pack_is_damage(
    change: Callable[[Any], Any], code: str
) -> None:
    vault = small_vault()
    add_point(vault, {"a": b"content " * 100})
    packs = [(pack, [change(span) for span in spans]) for pack, spans in _packs(vault)]
    for name in list(vault.files.names(INDEX)):
        vault.files.delete(INDEX, name)
    write_index(vault.files, packs)

    assert code in codes(report_of(open_vault(vault.storage), read=True))


def test_a_pack_that_is_read_wrongly_once_is_a_hint() -> None:
    faulty = FaultyStorage(MemoryStorage())
    vault = small_vault(faulty)
    add_point(vault, FILES)
    (pack, *_) = [entry.name for entry in vault.storage.list(DATA)]
    for method in ("get", "read"):
        faulty.fail(method, StorageUnavailable(place="", reason="hiccup"), name=pack)

    report = report_of(open_vault(faulty), read=True)

    assert not report.is_damaged
    assert report.losses == ()


def test_a_pack_larger_than_a_piece_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.vault import check_data

    monkeypatch.setattr(check_data, "PIECE", 700)
    vault = small_vault()
    add_point(vault, {f"f{n}": bytes([n]) + b"x" * n * 50 for n in range(50)}, chunk=500)
    name = max(vault.storage.list(DATA), key=lambda entry: entry.size).name

    assert report_of(vault, read=True).findings == ()
    HARMS["flip-middle"](vault.storage, name)
    assert "blobs-damaged" in codes(report_of(vault, read=True))


def test_a_pack_with_a_valid_header_under_a_foreign_name_is_damage() -> None:
    vault = small_vault()
    add_point(vault, FILES)
    other = small_vault(MemoryStorage())
    add_point(other, FILES)
    mine = next(iter(vault.storage.list(DATA))).name
    theirs = next(iter(other.storage.list(DATA))).name
    overwrite(vault.storage, mine, other.storage.get(theirs))

    assert report_of(open_vault(vault.storage), read=True).is_damaged


def test_workers_find_what_one_process_finds() -> None:
    vault = small_vault()
    for number in range(6):
        add_point(vault, {f"f{number}": bytes([number]) * 5000})
    for entry in list(vault.storage.list(DATA))[:3]:
        HARMS["flip-middle"](vault.storage, entry.name)

    alone = check(vault, CheckOptions(read=Subset(), workers=1, note=False))
    many = check(vault, CheckOptions(read=Subset(), workers=3, note=False))

    assert _said(many) == _said(alone)
    assert many.losses == alone.losses
    assert many.is_damaged


def _said(report: CheckReport) -> list[tuple[str, str]]:
    return sorted((found.code, found.sentence) for found in report.findings)


def test_progress_ends_with_all_that_there_is_to_read() -> None:
    vault = small_vault()
    add_point(vault, FILES)
    seen: list[tuple[int, int]] = []

    report = check(
        vault, CheckOptions(read=Subset()), on_bytes=lambda done, total: seen.append((done, total))
    )

    assert seen[0] == (0, report.bytes_total)
    assert seen[-1] == (report.bytes_total, report.bytes_total)
    assert seen == sorted(seen)


def test_folders_a_thousand_deep_are_walked() -> None:
    vault = small_vault()
    writer = PackWriter(vault.files)
    tree = writer.add(Kind.TREE, encode_tree([node("leaf", content=["ab" * 32], size=1)]))
    for _ in range(3000):
        below = node("d", type="dir", content=None, subtree=tree.hex())
        tree = writer.add(Kind.TREE, encode_tree([below]))
    writer.finish()
    vault.save_snapshot(SnapshotFile(time=TIME, tree=tree.hex(), paths=["/"]))

    report = report_of(vault)

    assert codes(report) == ["blobs-missing"]
    assert report.losses[0].path == b"/" + b"d/" * 3000 + b"leaf"


def test_levels_are_what_decides() -> None:
    assert {sort.level for sort in SORTS} == set(Level)
    assert not CheckReport().is_damaged
    assert PackId(bytes(32)) not in CheckReport().damaged_packs
    assert TreeId(BlobId(bytes(32)))
