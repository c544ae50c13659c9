"""Protected paths, and the tree that holds them all."""

import hashlib
import os
from pathlib import Path

import pytest

from holdfast.base.ids import TreeId
from holdfast.files.backup.roots import Root, find_roots, logical_roots, top_tree
from holdfast.files.errors import NothingToProtect
from holdfast.files.nodes import make_node
from holdfast.vault.pack_sinks import TreeSink
from holdfast.vault.tree import Node, encode_nodes, join_tree, parse_tree


class KeptTrees(TreeSink):
    """Keeps trees in a dict instead of packing them."""

    def __init__(self) -> None:
        self.trees: dict[str, list[Node]] = {}

    def put_nodes(self, pieces: list[bytes]) -> TreeId:
        content = join_tree(pieces)
        tree = TreeId(hashlib.sha256(content).digest())
        self.trees[tree.hex()] = parse_tree(tree, content)
        return tree

    def knows(self, tree: TreeId) -> bool:
        return tree.hex() in self.trees

    def paths(self, tree: TreeId | str, below: str = "") -> list[str]:
        found: list[str] = []
        for node in self.trees[tree if isinstance(tree, str) else tree.hex()]:
            path = f"{below}/{node.name}"
            found.append(path)
            if node.subtree:
                found += self.paths(node.subtree, path)
        return found


def root_at(path: Path) -> Root:
    (found,) = find_roots((os.fsencode(path),), {}, {}, _never)
    return found


def _never(path: bytes, err: OSError) -> None:
    pytest.fail(f"{path!r}: {err}")


def file_nodes(*names: str) -> bytes:
    status = os.lstat(__file__)
    return encode_nodes([make_node(name.encode(), status) for name in names])


def holds(trees: KeptTrees, tree: TreeId, root: Path) -> list[str]:
    """What is below a folder, which is deep in the tree."""
    return [
        path.removeprefix(f"{root}/") for path in trees.paths(tree) if path.startswith(f"{root}/")
    ]


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        ([b"/a", b"/b"], [b"/a", b"/b"]),
        ([b"/b", b"/a", b"/a"], [b"/a", b"/b"]),
        ([b"/a", b"/a/b/c", b"/ab"], [b"/a", b"/ab"]),
        ([b"/a/../b/./c//d/"], [b"/b/c/d"]),
        ([b"/", b"/a"], [b"/"]),
        ([b"//a", b"/a"], [b"/a"]),
        ([b"/caf\xe9"], [b"/caf\xe9"]),
    ],
)
def test_paths_become_roots_that_do_not_overlap(paths: list[bytes], wanted: list[bytes]) -> None:
    assert logical_roots(tuple(paths)) == wanted


def test_a_relative_path_counts_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert logical_roots((b"below",)) == [os.fsencode(tmp_path / "below")]


def test_a_folder_is_its_own_listing_and_a_file_that_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    folder, file = root_at(tmp_path), root_at(tmp_path / "file")

    assert folder.task().logical == file.task().logical == os.fsencode(tmp_path)
    assert (folder.task().names, file.task().names) == (None, [b"file"])


def test_a_root_is_read_where_its_snapshot_lies(tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    logical, physical = os.fsencode(tmp_path / "data"), os.fsencode(tmp_path / "snapshot")

    (root,) = find_roots((logical,), {logical: physical}, {tmp_path.stat().st_dev: 99}, _never)

    assert (root.logical, root.task().physical, root.device) == (logical, physical, 99)


def test_nothing_to_protect_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NothingToProtect):
        find_roots((os.fsencode(tmp_path / "absent"),), {}, {}, _never)


def test_roots_share_the_folders_above_them(tmp_path: Path) -> None:
    for name in ("a", "b/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").touch()
    trees = KeptTrees()
    done = [
        (root_at(tmp_path / "file"), file_nodes("file")),
        (root_at(tmp_path / "b/deep"), file_nodes("inside")),
        (root_at(tmp_path / "a"), file_nodes("x", "y")),
    ]

    tree = top_tree(done, [], trees.put_nodes)

    assert holds(trees, tree, tmp_path) == [
        "a",
        "a/x",
        "a/y",
        "b",
        "b/deep",
        "b/deep/inside",
        "file",
    ]


def test_a_file_that_could_not_be_read_leaves_its_folder_empty(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    trees = KeptTrees()

    tree = top_tree([(root_at(tmp_path / "file"), b"")], [], trees.put_nodes)

    assert trees.paths(tree)[-1] == str(tmp_path)


def test_a_root_that_is_gone_keeps_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    root = root_at(folder)
    folder.rmdir()
    trees = KeptTrees()

    tree = top_tree([(root, b"")], [], trees.put_nodes)

    assert trees.paths(tree)[-1] == str(folder)


def test_the_whole_machine_is_the_top_itself() -> None:
    trees = KeptTrees()
    status = os.lstat(__file__)

    plain = top_tree([(root_at(Path("/")), file_nodes("bin", "etc"))], [], trees.put_nodes)
    told = top_tree(
        [(root_at(Path("/")), file_nodes("bin", "etc"))],
        [make_node(b".holdfast", status)],
        trees.put_nodes,
    )

    assert trees.paths(plain) == ["/bin", "/etc"]
    assert trees.paths(told) == ["/.holdfast", "/bin", "/etc"]


def test_a_folder_of_ours_that_was_restored_there_does_not_clash() -> None:
    trees = KeptTrees()
    nodes = file_nodes(".holdfast", ".holdfast-2", "etc")

    tree = top_tree(
        [(root_at(Path("/")), nodes)], [make_node(b".holdfast", os.lstat("/"))], trees.put_nodes
    )

    assert trees.paths(tree) == ["/.holdfast", "/.holdfast-2", "/.holdfast-3", "/etc"]


def test_names_are_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    names = [b"b", b"\xc3\xa9", b"\xff", b"B", b"a"]
    done = []
    for name in names:
        path = os.path.join(os.fsencode(tmp_path), name)
        os.mkdir(path)
        done.append((root_at(Path(os.fsdecode(path))), b""))
    trees = KeptTrees()

    top_tree(done, [], trees.put_nodes)

    (level,) = [nodes for nodes in trees.trees.values() if len(nodes) == len(names)]
    assert [node.raw_name for node in level] == sorted(names)
