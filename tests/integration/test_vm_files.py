"""Single files come out of the disks of a point: partitions, file systems, what links mean there."""

import os
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.vm_browsing import folder_inside, volumes_of
from holdfast.app.vm_files import InsideRequest, copy_inside, list_inside, list_volumes
from holdfast.app.wiring import Session
from holdfast.fleet.questions import FolderWanted
from holdfast.machines.errors import ImageExists
from holdfast.machines.inside_errors import InsidePathMissing, VolumeMissing, VolumeUnreadable
from holdfast.machines.private_mounts import private_mounts
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import small_vault
from holdfast.testing.vm_points import write_vm_point

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root"),
]

MIB = 1 << 20
BTRFS_MIB = 112


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the machine has: also links that mean something only inside it."""
    top = tmp_path_factory.mktemp("tree")
    (top / "etc/app").mkdir(parents=True)
    (top / "etc/app/conf").write_bytes(b"of the guest\n")
    (top / "etc/app/conf").chmod(0o640)
    (top / "etc/big").write_bytes(os.urandom(300_000))
    (top / "settings").symlink_to("/etc/app")
    (top / "out").symlink_to("../../../../etc")
    (top / "round").symlink_to("round")
    (top / "etc/name\x1b[2J").write_bytes(b"")
    return top


class Disk:
    """A vault with a point of two disks: one with partitions, one that is a file system."""

    def __init__(self, folder: Path, tree: Path) -> None:
        storage = DirectoryStorage(str(folder / "vault"))
        storage.create_root()
        self.vault = small_vault(storage)
        settings = Settings(home=str(folder / "home"))
        self.session = Session(settings=settings, warn=lambda _: None)
        images = {"vda": partitioned(folder, tree), "vdb": made(folder / "vdb", 20, ext4(tree))}
        report = write_vm_point(self.vault, images)
        self.point = self.vault.load_snapshot(report.snapshot)

    def names(self, path: str) -> list[str]:
        request = InsideRequest(path=path)
        return [item.name for item in list_inside(self.session, self.vault, self.point, request)]

    def copy(self, path: str, folder: Path) -> Path:
        request = InsideRequest(path=path)
        copied = copy_inside(self.session, self.vault, self.point, request, folder=folder)
        return Path(copied.path)


def made(path: Path, size: int, make: Callable[[Path], list[str]]) -> Path:
    with path.open("wb") as image:
        image.truncate(size * MIB)
    subprocess.run(make(path), check=True, capture_output=True)
    return path


def ext4(tree: Path) -> Callable[[Path], list[str]]:
    return lambda image: [
        "mke2fs",
        "-q",
        "-F",
        "-t",
        "ext4",
        "-L",
        "root",
        "-d",
        str(tree),
        str(image),
    ]


def btrfs(tree: Path) -> Callable[[Path], list[str]]:
    return lambda image: ["mkfs.btrfs", "-q", "-L", "data", "--rootdir", str(tree), str(image)]


def partitioned(folder: Path, tree: Path) -> Path:
    """MBR: ext4, then an extended one with btrfs in it, and one with nothing."""
    parts = [made(folder / "p1", 20, ext4(tree)), made(folder / "p5", BTRFS_MIB, btrfs(tree))]
    extended = 22 * MIB
    size = 150 * MIB
    image = folder / "vda"
    with image.open("wb") as disk:
        disk.truncate(size)
        for at, part in ((MIB, parts[0]), (extended + MIB, parts[1])):
            disk.seek(at)
            disk.write(part.read_bytes())
        disk.seek(446)
        disk.write(entry(0x83, MIB, 20 * MIB) + entry(0x0F, extended, 120 * MIB))
        disk.write(entry(0x83, 145 * MIB, MIB) + bytes(16) + b"\x55\xaa")
        disk.seek(extended + 446)
        disk.write(entry(0x83, MIB, BTRFS_MIB * MIB) + bytes(48) + b"\x55\xaa")
    return image


def entry(kind: int, start: int, size: int) -> bytes:
    return struct.pack("<B3xB3xII", 0, kind, start // 512, size // 512)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Disk:
    return Disk(tmp_path_factory.mktemp("disks"), tree)


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


def test_volumes_are_found_with_what_they_hold(disk: Disk) -> None:
    found = list_volumes(disk.vault, disk.point)

    assert [(each.name, each.content.kind, each.content.label) for each in found] == [
        ("vda1", "ext4", "root"),
        ("vda3", "", ""),
        ("vda5", "btrfs", "data"),
        ("vdb", "ext4", "root"),
    ]


@pytest.mark.parametrize("volume", ["vda1", "vda5", "vdb"])
def test_a_folder_comes_out_as_it_is(disk: Disk, tree: Path, tmp_path: Path, volume: str) -> None:
    before, here = mounts(), os.getcwd()

    copied = disk.copy(f"{volume}/etc", tmp_path / "new" / "back")

    assert copied == tmp_path / "new" / "back" / "etc"
    assert (copied / "big").read_bytes() == (tree / "etc/big").read_bytes()
    assert (copied / "app/conf").stat().st_mode & 0o777 == 0o640
    assert (copied / "app/conf").stat().st_mtime == pytest.approx(
        (tree / "etc/app/conf").stat().st_mtime, abs=1
    )
    assert os.listdir(copied.parent) == ["etc"]
    assert (mounts(), os.getcwd()) == (before, here)


def test_folders_are_listed_and_links_lead_where_they_do_in_the_machine(disk: Disk) -> None:
    assert {"etc", "lost+found", "out", "round", "settings"} == set(disk.names("vda1"))
    assert disk.names("vda1/settings/conf") == ["conf"]
    assert disk.names("vda1/settings/") == ["settings"]
    assert set(disk.names("vda1/out/app/..")) == {"app", "big", "name\x1b[2J"}
    assert disk.names("vda1/../../etc/app") == ["conf"]


def test_what_is_not_there_is_told(disk: Disk, tmp_path: Path) -> None:
    with pytest.raises(VolumeMissing, match="vda1, vda3, vda5, vdb"):
        disk.names("vda9/etc")
    with pytest.raises(VolumeUnreadable, match="vda3"):
        disk.names("vda3")
    for path in ("vda1/etc/none", "vda1/round/x"):
        with pytest.raises(InsidePathMissing):
            disk.names(path)
    (tmp_path / "big").write_bytes(b"mine")
    with pytest.raises(ImageExists):
        disk.copy("vda1/etc/big", tmp_path)
    assert (tmp_path / "big").read_bytes() == b"mine"


def test_a_file_system_that_was_not_closed_is_put_right_in_the_view_only(
    tmp_path: Path, tree: Path
) -> None:
    """As after a power cut: its journal says what is still to be written."""
    disk = Disk(tmp_path, tree)
    image = tmp_path / "vdb"
    subprocess.run(
        ["debugfs", "-w", "-R", "feature needs_recovery", str(image)],
        check=True,
        capture_output=True,
    )
    report = write_vm_point(disk.vault, {"vdb": image})
    disk.point = disk.vault.load_snapshot(report.snapshot)

    assert "etc" in disk.names("vdb")
    assert "conf" in disk.names("vdb/etc/app")


def test_far_away_sees_disks_volumes_and_folders(disk: Disk) -> None:
    volumes = volumes_of(disk.vault, disk.point)
    wanted = FolderWanted(point=disk.point.id, path="vda1/etc", name="a")
    folder = folder_inside(disk.session, disk.vault, disk.point, wanted)

    assert {one.name for one in volumes.volumes if one.is_readable} >= {"vda1", "vdb"}
    assert [one.target for one in volumes.disks] == ["vda", "vdb"]
    assert [(one.name, one.kind, one.path) for one in folder.items] == [
        ("app", "dir", "vda1/etc/app"),
        ("name\\x1b[2J", "file", "vda1/etc/name%1B[2J"),
    ]


def test_folder_inside_is_sorted_before_it_is_cut(disk: Disk) -> None:
    wanted = FolderWanted(
        point=disk.point.id, path="vda1/etc", sort="size", descending=True, limit=2
    )

    folder = folder_inside(disk.session, disk.vault, disk.point, wanted)

    assert [one.name for one in folder.items] == ["big", "name\\x1b[2J"]
    assert (folder.sort, folder.descending, folder.total) == ("size", True, 3)


def test_a_thread_that_lives_on_keeps_nobody_from_coming_home() -> None:
    """The kernel lets nobody change folders' trees who shares a working folder with another."""
    home, over = os.readlink("/proc/thread-self/ns/mnt"), threading.Event()

    with private_mounts():
        inside = os.readlink("/proc/thread-self/ns/mnt")
        lives_on = threading.Thread(target=over.wait)
        lives_on.start()

    assert (inside != home, os.readlink("/proc/thread-self/ns/mnt")) == (True, home)
    over.set()
    lives_on.join()
