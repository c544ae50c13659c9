"""What stat() says of an item of a mount."""

import os
import stat
from typing import Any

import pytest

from holdfast.files.mount.attributes import (
    Item,
    attributes_of,
    child_item,
    mode_of,
    root_item,
    target_of,
)
from holdfast.files.mount.tree import Link, Shelf
from holdfast.vault.tree import Node

WHEN = "2024-05-06T12:00:00.123456789Z"


def node(kind: Any = "file", **fields: Any) -> Node:
    base: dict[str, Any] = {
        "mtime": WHEN,
        "atime": WHEN,
        "ctime": WHEN,
        "uid": 1,
        "gid": 2,
        "content": None,
    }
    return Node(name="it", type=kind, **(base | fields))


def test_a_file_has_its_size_owner_and_time_to_the_nanosecond() -> None:
    item = Item(node(size=1000, links=1, mode=0o640), 7)

    seen = attributes_of(item)

    assert (seen["st_size"], seen["st_blocks"], seen["st_uid"], seen["st_gid"]) == (1000, 2, 1, 2)
    assert seen["st_mtime"] == 1714996800_123456789
    assert seen["st_ino"] == 7


@pytest.mark.parametrize(
    ("kind", "type_bits"),
    [
        ("file", stat.S_IFREG),
        ("dir", stat.S_IFDIR),
        ("symlink", stat.S_IFLNK),
        ("dev", stat.S_IFBLK),
        ("chardev", stat.S_IFCHR),
        ("fifo", stat.S_IFIFO),
        ("socket", stat.S_IFSOCK),
        ("irregular", stat.S_IFREG),
    ],
)
def test_every_kind_has_its_type_and_special_bits(kind: str, type_bits: int) -> None:
    setuid_and_sticky = 1 << 23 | 1 << 20

    mode = mode_of(Item(node(kind, mode=setuid_and_sticky | 0o751), 7))

    assert mode == type_bits | 0o5751


def test_a_device_has_its_number() -> None:
    number = os.makedev(259, 300_000)

    assert attributes_of(Item(node("dev", device=number), 7))["st_rdev"] == number


def test_a_symlink_keeps_a_target_that_is_not_text() -> None:
    item = Item(node("symlink", linktarget="?", linktarget_raw=b"\xff\xfe"), 7)

    assert target_of(item) == b"\xff\xfe"
    assert attributes_of(item)["st_size"] == 2


def test_names_of_one_hard_link_share_a_number_and_others_do_not() -> None:
    folder = child_item(root_item(Shelf()), b"folder", node("dir"))
    linked = node(links=2, inode=99, device_id=3)

    one, other = child_item(folder, b"a", linked), child_item(folder, b"b", linked)
    single = child_item(folder, b"a", node(links=1, inode=99, device_id=3))

    assert one.inode == other.inode
    assert single.inode != one.inode


def test_a_folder_never_claims_to_know_its_subfolders() -> None:
    assert attributes_of(Item(node("dir", links=7), 7))["st_nlink"] == 1


def test_our_own_links_and_folders_are_read_only() -> None:
    assert mode_of(root_item(Shelf())) == stat.S_IFDIR | 0o555
    assert target_of(Item(Link(b"2024"), 7)) == b"2024"
