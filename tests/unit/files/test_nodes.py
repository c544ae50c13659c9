"""From a status to a node of a tree, and through the file cache and back."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.files.backup.folder import is_folder, unequal
from holdfast.files.nodes import (
    PackedStatus,
    go_mode,
    group_name,
    make_node,
    pack_status,
    read_attributes,
    unix_mode,
    unpack_status,
    user_name,
)


def status(mode: int = stat.S_IFREG | 0o644, **fields: Any) -> PackedStatus:
    plain = {
        "st_ino": 7,
        "st_nlink": 1,
        "st_uid": 1000,
        "st_gid": 1001,
        "st_size": 5,
        "st_mtime_ns": 1_700_000_000_123_456_789,
        "st_ctime_ns": 1_700_000_001_000_000_000,
        "st_rdev": 0,
    }
    return PackedStatus(st_mode=mode, **{**plain, **fields})


TIMES = st.integers(-(2**66), 2**66)


@given(
    mode=st.integers(0, 0xFFFF),
    inode=st.integers(0, 2**64 - 1),
    size=st.integers(0, 2**63 - 1),
    mtime=TIMES,
    ctime=TIMES,
)
def test_a_status_comes_back_out_of_the_cache(
    mode: int, inode: int, size: int, mtime: int, ctime: int
) -> None:
    before = status(mode, st_ino=inode, st_size=size, st_mtime_ns=mtime, st_ctime_ns=ctime)

    packed = pack_status(before)

    assert unpack_status(packed) == before
    assert is_folder(packed) == stat.S_ISDIR(mode)
    assert unequal(packed) != packed
    assert is_folder(unequal(packed)) == stat.S_ISDIR(mode)


@pytest.mark.parametrize(
    "field",
    ["st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns", "st_rdev"],
)
def test_every_field_makes_a_difference(field: str) -> None:
    assert pack_status(status()) != pack_status(status(**{field: 99}))


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        (stat.S_IFREG | 0o644, 0o644),
        (stat.S_IFDIR | 0o755, 1 << 31 | 0o755),
        (stat.S_IFLNK | 0o777, 1 << 27 | 0o777),
        (stat.S_IFIFO | 0o600, 1 << 25 | 0o600),
        (stat.S_IFSOCK | 0o600, 1 << 24 | 0o600),
        (stat.S_IFBLK | 0o660, 1 << 26 | 0o660),
        (stat.S_IFCHR | 0o660, 1 << 26 | 1 << 21 | 0o660),
        (stat.S_IFREG | 0o6755, 1 << 23 | 1 << 22 | 0o755),
        (stat.S_IFDIR | 0o1777, 1 << 31 | 1 << 20 | 0o777),
    ],
)
def test_modes_are_those_of_go(mode: int, wanted: int) -> None:
    assert go_mode(mode) == wanted
    assert unix_mode(wanted) == stat.S_IMODE(mode)


def test_a_file_has_its_blobs_and_size() -> None:
    node = make_node(b"name", status(), payload=b"\xaa" * 32 + b"\xbb" * 32)

    assert (node.type, node.content, node.size) == ("file", ["aa" * 32, "bb" * 32], 5)
    assert (node.mtime, node.ctime) == (("2023-11-14T22:13:20.123456789Z", "2023-11-14T22:13:21Z"))
    assert node.atime == node.mtime


def test_an_empty_file_has_no_blobs_but_a_list() -> None:
    assert make_node(b"name", status(st_size=0)).content == []


@pytest.mark.parametrize(("target", "text"), [(b"x/y", "x/y"), (b"caf\xe9", "caf\ufffd")])
def test_a_link_has_its_target(target: bytes, text: str) -> None:
    node = make_node(b"name", status(stat.S_IFLNK | 0o777), payload=target)

    assert (node.linktarget, node.raw_target, node.content) == (text, target, None)


def test_only_devices_have_numbers() -> None:
    device = make_node(b"name", status(stat.S_IFCHR | 0o600, st_rdev=os.makedev(1, 3)))
    plain = make_node(b"name", status(st_rdev=99))

    assert (device.device, device.type, plain.device) == (os.makedev(1, 3), "chardev", 0)


def test_only_hard_links_name_the_file_system_they_are_on() -> None:
    linked = make_node(b"name", status(st_nlink=2), device=66)
    single = make_node(b"name", status(), device=66)
    folder = make_node(b"name", status(stat.S_IFDIR | 0o755, st_nlink=5), device=66)

    found = [(node.device_id, node.links) for node in (linked, single, folder)]
    assert found == [(66, 2), (0, 1), (0, 0)]


def test_names_of_users_come_from_the_system() -> None:
    assert (user_name(0), group_name(0)) == ("root", "root")
    assert (user_name(4_000_000_000), group_name(4_000_000_000)) == ("", "")


def test_attributes_are_sorted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    for name in ("user.b", "user.a"):
        os.setxattr(path, name, name.encode())

    assert read_attributes(os.fsencode(path)) == [("user.a", b"user.a"), ("user.b", b"user.b")]


def test_attributes_of_what_is_gone_are_no_problem(tmp_path: Path) -> None:
    problems: list[OSError] = []

    found = read_attributes(os.fsencode(tmp_path / "absent"), problems.append)

    assert (found, problems) == ([], [])
