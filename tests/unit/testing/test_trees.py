"""The builders make what they promise."""

import os
import stat
from pathlib import Path

import pytest

from holdfast.testing import trees
from holdfast.testing.compare import differences
from holdfast.testing.survey import Entry, link_groups, survey


def look(root: Path) -> dict[bytes, Entry]:
    return survey(os.fsencode(root), leave_out=lambda _: False)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> trees.HostileTree:
    return trees.build_hostile_tree(tmp_path_factory.mktemp("hostile") / "tree")


def test_hostile_tree_has_every_kind_of_file(hostile: trees.HostileTree) -> None:
    entries = look(hostile.root)

    kinds = {entry.kind for entry in entries.values()}

    always = {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK}
    assert kinds >= always
    assert kinds >= {stat.S_IFCHR, stat.S_IFBLK} or hostile.refused


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make all of it")
def test_root_is_refused_nothing(hostile: trees.HostileTree) -> None:
    assert hostile.refused == ()
    assert set(hostile.parts) == set(trees.HOSTILE_PARTS)


def test_hostile_tree_reaches_beyond_path_max(hostile: trees.HostileTree) -> None:
    longest = max(look(hostile.root), key=len)

    assert len(longest) > 4096


def test_hostile_tree_has_names_that_are_not_text(hostile: trees.HostileTree) -> None:
    names = {os.path.basename(path) for path in look(hostile.root)}

    assert b"new\nline" in names
    assert b"\xff" * 255 in names


def test_hostile_tree_links_across_folders(hostile: trees.HostileTree) -> None:
    groups = link_groups(look(hostile.root))

    here = b"hard-links/here/"
    assert groups[here + b"pipe"] == (
        here + b"pipe",
        here + b"pipe-again",
        b"hard-links/there/pipe",
    )


def test_hostile_tree_has_times_before_1970(hostile: trees.HostileTree) -> None:
    entries = look(hostile.root)

    assert entries[b"times/file-before-1970"].status.st_mtime_ns == -5_000_000_001
    assert entries[b"times/folder-minus-one-ns"].status.st_mtime_ns == -1


def test_parts_can_be_left_out(tmp_path: Path) -> None:
    tree = trees.build_hostile_tree(tmp_path, leave_out=set(trees.HOSTILE_PARTS) - {"deep"})

    assert tree.parts == ("deep",)
    assert os.listdir(tmp_path) == ["deep"]


def test_unknown_part_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="deeep"):
        trees.build_hostile_tree(tmp_path, leave_out=["deeep"])


def test_same_seed_builds_the_same_tree(tmp_path: Path) -> None:
    for name in ("one", "two"):
        trees.build_small_tree(tmp_path / name, 7, files=40)
        trees.change_tree(tmp_path / name, 8, 0.2)

    assert differences(tmp_path / "one", tmp_path / "two", ignore={"folder-mtime"}) == []


def test_other_seed_builds_another_tree(tmp_path: Path) -> None:
    trees.build_small_tree(tmp_path / "one", 7)
    trees.build_small_tree(tmp_path / "two", 8)

    assert differences(tmp_path / "one", tmp_path / "two")


def test_small_tree_returns_its_files(tmp_path: Path) -> None:
    paths = trees.build_small_tree(tmp_path, 1, files=25)

    assert len(set(paths)) == 25
    assert all((tmp_path / path).is_file() for path in paths)


def test_changes_are_the_ones_reported(tmp_path: Path) -> None:
    before = {"a": tmp_path / "a", "b": tmp_path / "b"}
    for root in before.values():
        trees.build_small_tree(root, 3, files=30)

    changes = trees.change_tree(before["b"], 4, 0.3)

    lines = differences(before["a"], before["b"], ignore={"mtime", "folder-mtime", "size"})
    gone = {line.split(":")[0] for line in lines if line.endswith("only on the left")}
    new = {line.split(":")[0] for line in lines if line.endswith("only on the right")}
    assert (gone, new) == (set(changes.removed), set(changes.added))
    assert len(changes.edited) == 3
