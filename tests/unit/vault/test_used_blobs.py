import json

import numpy as np
import pytest

from holdfast.base.ids import BlobId, PackId, TreeId
from holdfast.testing.vaults import add_point, blob_of, small_vault
from holdfast.vault import used_blobs
from holdfast.vault.blob_groups import BlobGroups, IndexRows
from holdfast.vault.blob_runs import runs_of
from holdfast.vault.errors import BlobMissing, TreeBroken
from holdfast.vault.layout import INDEX
from holdfast.vault.pack_header import Kind, Span
from holdfast.vault.pack_writer import PackWriter
from holdfast.vault.repository import Repository
from holdfast.vault.used_blobs import UsedBlobs


def used_of(vault: Repository, *roots: TreeId) -> tuple[UsedBlobs, BlobGroups]:
    rows = IndexRows()
    rows.load(vault.files, list(vault.files.names(INDEX)))
    groups = BlobGroups(rows)
    used = UsedBlobs(vault.files, groups)
    used.walk(roots)
    return used, groups


def names(used: UsedBlobs, groups: BlobGroups) -> set[BlobId]:
    return {span.blob for _, span in groups.placed(np.flatnonzero(used.rows()))}


def test_all_below_a_tree_is_used_and_nothing_else() -> None:
    vault = small_vault()
    point = add_point(vault, {"a/b/c": b"1" * 90, "d": b"2"}, chunk=64)
    add_point(vault, {"e": b"3"})

    used, groups = used_of(vault, point.tree)

    found = names(used, groups)
    assert {blob_of(b"1" * 64), blob_of(b"1" * 26), blob_of(b"2"), point.tree} < found
    assert len(found) == 6
    assert blob_of(b"3") not in found


def test_a_walk_begun_with_earlier_marks_goes_on_from_there() -> None:
    vault = small_vault()
    first = add_point(vault, {"a": b"1"})
    used, _ = used_of(vault, first.tree)
    second = add_point(vault, {"a": b"1", "b/c": b"2"})
    rows = IndexRows()
    rows.load(vault.files, list(vault.files.names(INDEX)))
    # The order of index files is free, so the marks are made again over all of them.
    groups = BlobGroups(rows)
    whole = UsedBlobs(vault.files, groups)
    whole.walk([first.tree])
    told: list[int] = []

    more = UsedBlobs(vault.files, groups, rows=whole.rows())
    more.walk([first.tree, second.tree], on_trees=told.append)

    assert used.marks.sum() == 2
    assert more.marks.all()
    assert sum(told) == 2


def test_processes_that_share_the_trees_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = small_vault()
    files = {f"{a}/{b}/{c}": f"{a}{b}{c}".encode() for a in "abc" for b in "def" for c in "gh"}
    point = add_point(vault, files)
    add_point(vault, {"other": b"not needed"})
    alone, groups = used_of(vault, point.tree)
    monkeypatch.setattr(used_blobs, "_WORTH_FORKING", 0)
    monkeypatch.setattr(used_blobs, "_WORTH_ASKING", 0)

    shared, _ = used_of(vault, point.tree)

    assert names(shared, groups) == names(alone, groups)
    assert len(names(shared, groups)) == 18 + 9 + 3 + 1


def test_damage_that_another_process_meets_comes_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used_blobs, "_WORTH_FORKING", 0)
    vault = small_vault()
    writer = PackWriter(vault.files)
    tree = writer.add(Kind.TREE, b"no listing")
    writer.finish()

    with pytest.raises(TreeBroken):
        used_of(vault, TreeId(tree))


@pytest.mark.parametrize(
    ("node", "error"),
    [
        ({"type": "dir"}, TreeBroken),
        ({"type": "dir", "subtree": "ab" * 32}, BlobMissing),
        ({"type": "file", "content": ["cd" * 32]}, BlobMissing),
        ({"type": "file", "content": ["no id"]}, TreeBroken),
        ({"type": "file", "content": ["zz" * 32]}, TreeBroken),
        ({"type": "file", "content": "text"}, TreeBroken),
    ],
)
def test_a_tree_that_names_nonsense_is_an_error(
    node: dict[str, object], error: type[Exception]
) -> None:
    vault = small_vault()
    writer = PackWriter(vault.files)
    tree = writer.add(Kind.TREE, json.dumps({"nodes": [node]}).encode())
    writer.finish()

    with pytest.raises(error):
        used_of(vault, tree)


def test_neighbours_are_read_together_and_distant_blobs_are_not() -> None:
    def at(offset: int) -> Span:
        return Span(BlobId(bytes(32)), Kind.DATA, offset, 1000, 0)

    one, two = PackId(b"1" * 32), PackId(b"2" * 32)
    wanted = [(two, at(0)), (one, at(5_000_000)), (one, at(2000)), (one, at(0)), (two, at(1000))]

    runs = list(runs_of(wanted))

    assert [(run.pack, run.start, run.length) for run in runs] == [
        (one, 0, 3000),
        (one, 5_000_000, 1000),
        (two, 0, 2000),
    ]


def test_a_run_is_never_longer_than_a_reader_likes() -> None:
    spans = [Span(BlobId(bytes(32)), Kind.DATA, n << 20, 1 << 20, 0) for n in range(20)]

    placed = ((PackId(bytes(32)), span) for span in spans)
    runs = list(runs_of(placed, longest=8 << 20))

    assert [len(run.spans) for run in runs] == [8, 8, 4]
