"""What the kernel says about mounts, read as proc(5) describes it."""

import os

import pytest

from holdfast.files.mounts import (
    Mount,
    MountKind,
    kind_of,
    makedev,
    mount_of,
    parse_mounts,
    read_mounts,
)

SAMPLE = rb"""22 27 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
27 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
40 27 0:35 / /srv/with\040space rw - nfs4 nas:/export\040two rw,vers=4.2
41 27 0:36 /@home /home rw,relatime shared:2 master:3 propagate_from:4 - btrfs /dev/sdb rw
42 27 0:37 / /odd\134name\012new\011tab rw - fuse.sshfs me@host: rw
43 27 0:38 / /no-options rw - tmpfs  rw
44 27 0:39 / /bytes\377 rw - tmpfs none rw
broken line
45 27 0:40 / /cut rw - ext4
"""


def test_a_line_becomes_a_mount() -> None:
    root = next(mount for mount in parse_mounts(SAMPLE) if mount.point == b"/")

    assert root == Mount(
        device=os.makedev(259, 2), root=b"/", point=b"/", kind=b"ext4", source=b"/dev/nvme0n1p2"
    )


def test_octal_escapes_are_undone() -> None:
    points = {mount.point: mount for mount in parse_mounts(SAMPLE)}

    assert points[b"/srv/with space"].source == b"nas:/export two"
    assert b"/odd\\name\nnew\ttab" in points
    assert b"/bytes\xff" in points


def test_optional_fields_and_parts_of_file_systems_are_understood() -> None:
    (home,) = [mount for mount in parse_mounts(SAMPLE) if mount.point == b"/home"]

    assert (home.root, home.kind, home.source) == (b"/@home", b"btrfs", b"/dev/sdb")


def test_what_is_no_mount_is_passed_over() -> None:
    points = [mount.point for mount in parse_mounts(SAMPLE)]

    assert b"/cut" not in points
    assert list(parse_mounts(b"")) == []


@pytest.mark.parametrize(("major", "minor"), [(8, 1), (259, 2), (0, 70_000), (5000, 1_000_000)])
def test_devices_are_numbered_as_the_kernel_does(major: int, minor: int) -> None:
    assert makedev(major, minor) == os.makedev(major, minor)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"ext4", MountKind.LOCAL),
        (b"tmpfs", MountKind.LOCAL),
        (b"overlay", MountKind.LOCAL),
        (b"fuse.mergerfs", MountKind.LOCAL),
        (b"proc", MountKind.PSEUDO),
        (b"sysfs", MountKind.PSEUDO),
        (b"cgroup2", MountKind.PSEUDO),
        (b"autofs", MountKind.PSEUDO),
        (b"nfs4", MountKind.REMOTE),
        (b"cifs", MountKind.REMOTE),
        (b"fuse.sshfs", MountKind.REMOTE),
    ],
)
def test_kinds(name: bytes, kind: MountKind) -> None:
    assert kind_of(name) is kind


@pytest.mark.parametrize(
    ("path", "point"),
    [
        (b"/", b"/"),
        (b"/etc", b"/"),
        (b"/home", b"/home"),
        (b"/home/ada", b"/home"),
        (b"/homely", b"/"),
        (b"/srv/with space/x", b"/srv/with space"),
    ],
)
def test_a_path_lies_on_the_deepest_mount(path: bytes, point: bytes) -> None:
    mount = mount_of(path, list(parse_mounts(SAMPLE)))

    assert mount is not None
    assert mount.point == point


def test_of_mounts_at_one_point_the_last_covers_the_others() -> None:
    lines = b"1 1 8:1 / / rw - ext4 a rw\n2 1 8:2 / /x rw - ext4 b rw\n3 1 8:3 / /x rw - xfs c rw\n"

    mount = mount_of(b"/x/y", list(parse_mounts(lines)))

    assert mount is not None
    assert mount.source == b"c"


def test_no_mount_is_no_answer() -> None:
    assert mount_of(b"/x", []) is None


def test_this_machine_has_a_root() -> None:
    root = mount_of(b"/", read_mounts())

    assert root is not None
    assert root.device == os.stat("/").st_dev or root.kind in (b"overlay", b"btrfs")
