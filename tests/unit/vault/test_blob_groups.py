import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

from holdfast.base.ids import BlobId, FileId, PackId
from holdfast.testing.vaults import small_vault
from holdfast.vault.blob_groups import BlobGroups, IndexRows, id_rows
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.index_file import encode_index
from holdfast.vault.index_rows import rows_of
from holdfast.vault.pack_header import Kind, Span

PackSpans = tuple[PackId, Sequence[Span]]


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def pack(number: int, *blobs: bytes, kind: Kind = Kind.DATA) -> PackSpans:
    spans = [Span(BlobId(blob), kind, 100 * at, 100, 0) for at, blob in enumerate(blobs)]
    return PackId(digest(-number)), spans


def collected(*files: list[PackSpans]) -> IndexRows:
    rows = IndexRows()
    for number, packs in enumerate(files):
        name = FileId(f"{number:064x}")
        rows.add(name, rows_of(name, encode_index(packs)))
    return rows


def test_copies_of_a_blob_are_one_group() -> None:
    one, two = digest(1), digest(2)

    groups = BlobGroups(collected([pack(1, one, two)], [pack(2, two)]))

    assert len(groups) == 2
    assert len(groups.pack) == 3
    first, second = groups.find(Kind.DATA, id_rows(one + two)).tolist()
    assert sorted(groups.group.tolist()) == sorted([first, second, second])


def test_a_tree_and_a_file_of_the_same_bytes_are_two() -> None:
    same = digest(1)

    groups = BlobGroups(collected([pack(1, same), pack(2, same, kind=Kind.TREE)]))

    data, tree = groups.find(Kind.DATA, id_rows(same)), groups.find(Kind.TREE, id_rows(same))
    assert len(groups) == 2
    assert data.tolist() != tree.tolist()
    assert [span.kind for _, span in groups.placed(groups.rows_of(tree))] == [Kind.TREE]


def test_what_is_not_there_is_not_found() -> None:
    known = [digest(number) for number in range(1000)]
    groups = BlobGroups(collected([pack(1, *known)]))

    found = groups.find(Kind.DATA, id_rows(b"".join([digest(7), digest(5000), digest(9)])))

    assert (found < 0).tolist() == [False, True, False]
    assert BlobGroups(IndexRows()).find(Kind.DATA, id_rows(digest(1))).tolist() == [-1]


def test_ids_with_equal_beginnings_are_told_apart() -> None:
    alike = [b"equal beginning!" + digest(number)[:16] for number in range(4)]
    shuffled = [alike[number] for number in (2, 0, 3, 0, 1, 2, 0)]

    groups = BlobGroups(collected([pack(1, *shuffled)], [pack(2, *alike, digest(1))]))

    found = groups.find(Kind.DATA, id_rows(b"".join(alike)))
    assert len(groups) == 5
    assert len(set(found.tolist())) == 4
    for blob, group in zip(alike, found.tolist(), strict=True):
        rows = [row for row in range(len(groups.pack)) if groups.group[row] == group]
        assert {span.blob for _, span in groups.placed(np.array(rows))} == {blob}


def test_a_pack_that_two_index_files_name_counts_once() -> None:
    twice = pack(1, digest(1), digest(2))

    rows = collected([twice], [twice, pack(2, digest(3))])

    assert len(BlobGroups(rows).pack) == 3
    assert rows.packs_of_file[FileId(f"{1:064x}")] == [twice[0], pack(2)[0]]


def test_index_files_that_contradict_each_other_are_an_error() -> None:
    with pytest.raises(FileUnreadable, match="differently"):
        collected([pack(1, digest(1), digest(2))], [pack(1, digest(1))])


def test_rows_keep_their_numbers_when_index_files_come() -> None:
    rows = collected([pack(1, digest(1), digest(2))])
    before = list(BlobGroups(rows).placed(np.arange(2)))

    name = FileId("f" * 64)
    rows.add(name, rows_of(name, encode_index([pack(2, digest(0), digest(2))])))

    assert list(BlobGroups(rows).placed(np.arange(2))) == before


def test_index_files_of_a_vault_are_loaded() -> None:
    vault = small_vault()
    names = [
        vault.files.save("index", encode_index([pack(number, digest(number))]))
        for number in range(70)
    ]
    rows = IndexRows()

    rows.load(vault.files, names)

    assert len(BlobGroups(rows)) == len(rows.packs) == 70
