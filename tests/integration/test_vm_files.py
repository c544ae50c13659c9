"""Single files come out of the disks of a point: partitions, file systems, what links mean there."""

import os
import stat
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.config import Settings
from holdfast.app.download_errors import NotAFile
from holdfast.app.point_browsing import PointBrowser
from holdfast.app.vm_browsing import VmBrowser
from holdfast.app.vm_files import InsideRequest, copy_inside, list_inside, list_volumes
from holdfast.app.wiring import Session
from holdfast.fleet.questions import (
    ContentPart,
    ContentWanted,
    FolderWanted,
    SearchFound,
    SearchWanted,
    VolumesWanted,
)
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
    (top / "etc/big2").write_bytes(os.urandom(MIB + 5))
    (top / "settings").symlink_to("/etc/app")
    (top / "out").symlink_to("../../../../etc")
    (top / "round").symlink_to("round")
    (top / "etc/name\x1b[2J").write_bytes(b"")
    return top


@pytest.fixture(scope="module")
def strange_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a foreign machine may put into its disks."""
    top = tmp_path_factory.mktemp("strange")
    os.mkfifo(top / "pipe")
    os.mknod(top / "device", 0o600 | stat.S_IFBLK, os.makedev(7, 0))
    with (top / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    with (top / "holes").open("wb") as holes:
        holes.write(b"first")
        holes.seek(2 * MIB)
        holes.write(b"last")
    (top / "passwd").symlink_to("/etc/passwd")
    (top / "up").symlink_to("../../../../../../etc")
    (top / os.fsdecode(b"caf\xe9 100%")).write_bytes(b"bytes")
    at = top
    for _ in range(60):
        at = at / "deep"
        at.mkdir()
    (at / "treasure").write_bytes(b"gold")
    return top


class Disk:
    """A vault with a point of two disks: one with partitions, one that is a file system."""

    def __init__(self, folder: Path, tree: Path, images: dict[str, Path] | None = None) -> None:
        storage = DirectoryStorage(str(folder / "vault"))
        storage.create_root()
        self.vault = small_vault(storage)
        settings = Settings(home=str(folder / "home"))
        self.session = Session(settings=settings, warn=lambda _: None)
        usual = images or {
            "vda": partitioned(folder, tree),
            "vdb": made(folder / "vdb", 20, ext4(tree)),
        }
        report = write_vm_point(self.vault, usual)
        self.point = self.vault.load_snapshot(report.snapshot)
        self.points, self.browser = PointBrowser(self.vault), VmBrowser(self.session)

    def names(self, path: str) -> list[str]:
        request = InsideRequest(path=path)
        return [item.name for item in list_inside(self.session, self.vault, self.point, request)]

    def content(self, path: str, part: int = 0) -> ContentPart:
        wanted = ContentWanted(point=self.point.id, path=path, part=part)
        return self.browser.content(self.points, wanted)

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
    assert set(disk.names("vda1/out/app/..")) == {"app", "big", "big2", "name\x1b[2J"}
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
    volumes = disk.browser.volumes(disk.points, VolumesWanted(point=disk.point.id))
    wanted = FolderWanted(point=disk.point.id, path="vda1/etc", name="a")
    folder = disk.browser.folder(disk.points, wanted)

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

    folder = disk.browser.folder(disk.points, wanted)

    assert [one.name for one in folder.items] == ["big2", "big"]
    assert (folder.sort, folder.descending, folder.total) == ("size", True, 4)


def test_item_that_is_no_folder_is_shown_itself(disk: Disk) -> None:
    wanted = FolderWanted(point=disk.point.id, path="vda1/etc/big")

    (item,) = disk.browser.folder(disk.points, wanted).items

    assert (item.path, item.size) == ("vda1/etc/big", 300_000)


@pytest.mark.parametrize("volume", ["vda1", "vda5"])
def test_a_name_is_found_below_a_folder_of_a_volume(disk: Disk, volume: str) -> None:
    wanted = SearchWanted(point=disk.point.id, text="CON?", path=f"{volume}/etc")

    found = disk.browser.search(disk.points, wanted)

    assert [(one.path, one.size) for one in found.items] == [(f"{volume}/etc/app/conf", 13)]
    assert (found.looked_at, found.is_complete) == (5, True)


def test_search_inside_has_the_limits_of_any_other(disk: Disk) -> None:
    def search(**more: Any) -> SearchFound:
        given = {"point": disk.point.id, "text": "*", "path": "vda1", **more}
        return disk.browser.search(disk.points, SearchWanted(**given))

    few, late = search(limit=2), search(seconds=-1.0)

    assert (len(few.items), few.is_complete) == (2, False)
    assert (late.items, late.is_complete) == ([], False)
    # What a link leads to is not below it.
    assert search(path="vda1/settings").items == []
    with pytest.raises(InsidePathMissing):
        search(path="vda1/none")
    with pytest.raises(VolumeMissing):
        search(path="/")


def test_file_of_a_volume_comes_in_parts_and_leaves_nothing(disk: Disk, tree: Path) -> None:
    before, threads = mounts(), threading.active_count()

    first = disk.content("vdb/etc/big2", part=0)
    held = threading.active_count()
    folder = disk.browser.folder(disk.points, FolderWanted(point=disk.point.id, path="vdb/etc"))
    rest = disk.content("vdb/etc/big2", part=first.next or 0)

    assert first.data + rest.data == (tree / "etc/big2").read_bytes()
    assert (first.size, rest.next, folder.total) == (MIB + 5, None, 4)
    assert held > threads
    assert (mounts(), threading.active_count()) == (before, threads)


def test_what_a_link_leads_to_is_read_inside_only(disk: Disk) -> None:
    """The last name is meant itself; on the way to it links lead as they do in the machine."""
    assert disk.content("vda1/settings/conf").data == b"of the guest\n"
    assert disk.content("vda1/out/app/conf").data == b"of the guest\n"
    for path in ("vda1/settings", "vda1/etc"):
        with pytest.raises(NotAFile):
            disk.content(path)
    with pytest.raises(InsidePathMissing):
        disk.content("vda1/round/x")


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, strange_tree: Path) -> Disk:
    folder = tmp_path_factory.mktemp("strange-disk")
    return Disk(folder, strange_tree, {"vda": made(folder / "vda", 20, ext4(strange_tree))})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["pipe", "device", "passwd", "up", ""])
def test_what_is_no_file_is_not_opened(strange: Disk, name: str) -> None:
    with pytest.raises(NotAFile):
        strange.content(f"vda/{name}")


def test_nothing_of_the_host_is_reached(strange: Disk) -> None:
    with pytest.raises(InsidePathMissing):
        strange.content("vda/up/passwd")


def test_huge_file_of_holes_is_read_in_parts_and_says_its_size(strange: Disk) -> None:
    huge, holes = strange.content("vda/huge"), strange.content("vda/holes", part=2)
    strange.browser.close()

    assert (huge.size, huge.data, huge.next) == (1 << 40, bytes(MIB), 1)
    assert (holes.data, holes.next) == (b"last", None)
    assert strange.content("vda/huge", part=1 << 40).data == b""


def test_names_of_any_bytes_and_deep_folders_are_found_and_read(strange: Disk) -> None:
    def found(text: str) -> str:
        wanted = SearchWanted(point=strange.point.id, text=text, path="vda")
        (one,) = strange.browser.search(strange.points, wanted).items
        return one.path

    assert found("caf") == "vda/caf%E9 100%25"
    assert strange.content(found("caf")).data == b"bytes"
    assert strange.content(found("treasure")).data == b"gold"


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
