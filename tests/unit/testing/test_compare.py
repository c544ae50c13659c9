"""Each attribute that differs is named; equal trees differ in nothing."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.testing.compare import differences
from holdfast.testing.hostile_attributes import pack_acl
from holdfast.testing.trees import build_hostile_tree

WHEN = 1_700_000_000_123_456_789
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two equal trees with a file, a folder with a file, and a symlink."""
    roots = tmp_path / "left", tmp_path / "right"
    for root in roots:
        (root / "folder").mkdir(parents=True)
        (root / "file").write_bytes(b"some content")
        (root / "folder" / "inside").write_bytes(b"inside")
        (root / "link").symlink_to("file")
        for path, mode in ((root, 0o755), (root / "folder", 0o755), (root / "file", 0o644)):
            path.chmod(mode)
        settle(root)
    return roots


def settle(root: Path) -> None:
    for path in ("file", "folder/inside", "link", "folder", "."):
        os.utime(root / path, ns=(WHEN, WHEN), follow_symlinks=False)


def test_equal_trees_have_no_differences(pair: tuple[Path, Path]) -> None:
    assert differences(*pair, also={"atime", "holes"}) == []


def test_hostile_tree_equals_itself(tmp_path: Path) -> None:
    build_hostile_tree(tmp_path / "tree")

    assert differences(tmp_path / "tree", tmp_path / "tree", also={"holes"}) == []


@pytest.mark.slow
def test_twins_of_the_hostile_tree_differ_only_in_times_of_making(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build_hostile_tree(tmp_path / name)

    found = differences(
        tmp_path / "one",
        tmp_path / "two",
        also={"holes"},
        ignore={"mtime", "folder-mtime", "link-mtime"},
    )

    assert found == []


def overwrite(root: Path) -> None:
    (root / "file").write_bytes(b"some c0ntent")
    settle(root)


def lengthen(root: Path) -> None:
    (root / "file").write_bytes(b"some content and more")
    settle(root)


def point_elsewhere(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("f\nle")
    settle(root)


def turn_into_pipe(root: Path) -> None:
    (root / "file").unlink()
    os.mkfifo(root / "file")
    settle(root)


def join_by_link(root: Path) -> None:
    (root / "folder" / "inside").unlink()
    os.link(root / "file", root / "folder" / "inside")
    settle(root)


def set_default_acl(root: Path) -> None:
    nobody = 0xFFFFFFFF
    acl = pack_acl([(1, 7, nobody), (2, 6, 7), (4, 5, nobody), (16, 7, nobody), (32, 0, nobody)])
    os.setxattr(root / "folder", "system.posix_acl_default", acl)


def touch(path: str) -> Callable[[Path], None]:
    return lambda root: os.utime(root / path, ns=(WHEN, WHEN + 1), follow_symlinks=False)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "content": (overwrite, "file: content differs from byte 6 on"),
    "size": (lengthen, "file: size 12 != 21"),
    "mode": (lambda root: (root / "file").chmod(0o600), "file: mode 0644 != 0600"),
    "setuid": (lambda root: (root / "file").chmod(0o4644), "file: mode 0644 != 4644"),
    "folder mode": (lambda root: (root / "folder").chmod(0o1755), "folder: mode 0755 != 1755"),
    "mtime": (touch("file"), f"file: mtime {WHEN} != {WHEN + 1}"),
    "folder mtime": (touch("folder"), f"folder: folder-mtime {WHEN} != {WHEN + 1}"),
    "link mtime": (touch("link"), f"link: link-mtime {WHEN} != {WHEN + 1}"),
    "root": (lambda root: root.chmod(0o700), ".: mode 0755 != 0700"),
    "target": (point_elsewhere, "link: target file != f\\nle"),
    "type": (turn_into_pipe, "file: type file != pipe"),
    "xattr": (
        lambda root: os.setxattr(root / "file", "user.x", b"1"),
        "file: xattrs 'user.x': None != b'1'",
    ),
    "acl": (set_default_acl, "folder: xattrs 'system.posix_acl_default': None != "),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_changed_attribute_is_the_one_reported(pair: tuple[Path, Path], kind: str) -> None:
    change, line = CHANGES[kind]

    change(pair[1])

    assert [found[: len(line)] for found in differences(*pair)] == [line]


@as_root
def test_changed_owner_is_reported(pair: tuple[Path, Path]) -> None:
    os.chown(pair[1] / "link", 3, 4, follow_symlinks=False)

    assert differences(*pair) == ["link: owner 0:0 != 3:4"]


@as_root
def test_changed_device_number_is_reported(pair: tuple[Path, Path]) -> None:
    for minor, root in enumerate(pair):
        os.mknod(root / "device", stat.S_IFCHR, os.makedev(1, minor))

    assert "device: device 1:0 != 1:1" in differences(*pair)


def test_missing_and_extra_entries_are_reported(pair: tuple[Path, Path]) -> None:
    (pair[0] / "folder" / "inside").unlink()
    (pair[1] / "file").unlink()

    assert differences(*pair, ignore={"folder-mtime"}) == [
        "file: only on the left",
        "folder/inside: only on the right",
    ]


def test_hard_link_that_joined_two_files_is_reported(pair: tuple[Path, Path]) -> None:
    join_by_link(pair[1])

    lines = differences(*pair, ignore={"content", "size"})

    names = ("file", "folder/inside")
    assert lines == [f"{name}: links () != {names}" for name in names]


def test_filled_hole_is_reported_when_asked(pair: tuple[Path, Path]) -> None:
    for root, fill in zip(pair, (False, True), strict=True):
        with open(root / "sparse", "wb") as out:
            out.truncate(1 << 20)
            out.write(bytes(1 << 20) if fill else b"")

    assert differences(*pair, ignore={"mtime", "folder-mtime"}) == []
    found = differences(*pair, ignore={"mtime", "folder-mtime"}, also={"holes"})
    assert found == [f"sparse: holes: data at [] != [(0, {1 << 20})]"]


def test_ignored_aspects_are_not_reported(pair: tuple[Path, Path]) -> None:
    (pair[1] / "file").chmod(0o600)

    assert differences(*pair, ignore={"mode"}) == []


def test_paths_left_out_are_not_looked_at(pair: tuple[Path, Path]) -> None:
    (pair[1] / "folder" / "inside").write_bytes(b"other!")

    assert differences(*pair, leave_out={b"folder"}) == []


def test_unknown_aspect_is_an_error(pair: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match="colour"):
        differences(*pair, ignore={"colour"})


def test_difference_beyond_path_max_is_found(tmp_path: Path) -> None:
    for name in ("one", "two"):
        everything_else = {"wide", "names", "contents", "holes", "modes", "owners", "times"}
        build_hostile_tree(tmp_path / name, leave_out=everything_else)
    descend_and_write(tmp_path / "two" / "long-path")

    found = differences(tmp_path / "one", tmp_path / "two", ignore={"mtime", "folder-mtime"})

    assert [line.rsplit("/", 1)[1] for line in found if "/file:" in line] == [
        "file: content differs from byte 0 on"
    ]


def descend_and_write(root: Path) -> None:
    folder = os.open(root, os.O_RDONLY)
    while below := [name for name in os.listdir(folder) if name.startswith("long-")]:
        deeper = os.open(below[0], os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    file = os.open("file", os.O_WRONLY, dir_fd=folder)
    os.write(file, b"STEP")
    os.close(file)
    os.close(folder)
