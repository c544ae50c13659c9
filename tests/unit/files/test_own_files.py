"""The list of what was left out, as an ordinary file in the point."""

import json

from holdfast.files.backup.messages import Skip
from holdfast.files.backup.own_files import own_nodes, skipped_lines
from holdfast.testing.vaults import blob_of, identity
from holdfast.vault.go_strings import unquote
from tests.unit.files.test_roots import KeptTrees

SKIPS = [
    Skip(b"/b", 5, "0x80070570", "Input/output error"),
    Skip(b'/a\xff"\n', 13, "0x80070005", "Permission denied"),
]


def test_one_object_a_line_with_every_byte_of_the_path() -> None:
    lines = skipped_lines(SKIPS).splitlines()

    first, second = map(json.loads, lines)
    assert first == {
        "path": "/b",
        "errno": 5,
        "code": "0x80070570",
        "detail": "Input/output error",
    }
    assert unquote(second["path"]) == b'/a\xff"\n'


def test_no_folder_where_nothing_was_left_out() -> None:
    stored: dict[bytes, bytes] = {}
    trees = KeptTrees()

    nodes = own_nodes(
        [],
        identity=identity(),
        taken_ns=0,
        store=stored.__setitem__,
        trees=trees,
    )

    assert (nodes, stored, trees.trees) == ([], {}, {})


def test_the_list_is_in_order_and_private() -> None:
    stored: dict[bytes, bytes] = {}
    trees = KeptTrees()

    (folder,) = own_nodes(
        SKIPS,
        identity=identity(),
        taken_ns=1_700_000_000_000_000_000,
        store=stored.__setitem__,
        trees=trees,
    )

    (file,) = trees.trees[folder.subtree or ""]
    content = skipped_lines(SKIPS[::-1])
    assert (folder.name, file.name) == (".holdfast", "skipped.jsonl")
    assert (folder.mode & 0o777, file.mode) == (0o700, 0o600)
    assert stored == {blob_of(content): content}
    assert (file.size, file.content) == (len(content), [blob_of(content).hex()])
    assert file.mtime == "2023-11-14T22:13:20Z"


def test_a_list_without_end_is_cut_into_blobs() -> None:
    stored: dict[bytes, bytes] = {}
    skips = [Skip(b"/%07d" % number, 5, "0x80070570", "x" * 200) for number in range(40_000)]
    trees = KeptTrees()

    (folder,) = own_nodes(
        skips, identity=identity(), taken_ns=0, store=stored.__setitem__, trees=trees
    )

    (file,) = trees.trees[folder.subtree or ""]
    pieces = [stored[bytes.fromhex(blob)] for blob in file.content or ()]
    assert b"".join(pieces) == skipped_lines(skips)
    assert len(pieces) == 2
