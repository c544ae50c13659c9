"""Files out of disks as others make them: xfs by its own program, logical volumes by LVM's."""

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.vm_files import InsideRequest, copy_inside, list_volumes
from holdfast.app.wiring import Session
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import small_vault
from holdfast.testing.vm_points import write_vm_point
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

pytestmark = [
    pytest.mark.interop,
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root"),
]

MIB = 1 << 20
# The smallest that mkfs.xfs makes.
XFS_SIZE = 320 * MIB
EXTENT = MIB
STRIPE = 64 << 10
VOLUME = 24 * EXTENT


def said(*words: str | Path, **more: str) -> str:
    done = subprocess.run(
        words, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def empty(path: Path, size: int) -> Path:
    with path.open("wb") as image:
        image.truncate(size)
    return path


def point_of(folder: Path, images: Mapping[str, Path]) -> tuple[Repository, Snapshot]:
    storage = DirectoryStorage(str(folder / "vault"))
    storage.create_root()
    vault = small_vault(storage)
    return vault, vault.load_snapshot(write_vm_point(vault, images).snapshot)


def fetched(point: tuple[Repository, Snapshot], path: str, folder: Path) -> bytes:
    session = Session(settings=Settings(home=str(folder / "home")), warn=pytest.fail)
    request = InsideRequest(path=path)
    copied = copy_inside(session, *point, request, folder=folder / "out")
    return Path(copied.path).read_bytes()


needs_xfs = pytest.mark.skipif(
    shutil.which("mkfs.xfs") is None or "\txfs\n" not in Path("/proc/filesystems").read_text(),
    reason="xfsprogs, or the kernel's xfs, is not here",
)


@needs_xfs
def test_a_file_comes_out_of_xfs(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_bytes(os.urandom(200_000))
    (tmp_path / "proto").write_text(f"/none\n0 0\nd--755 0 0\nnote ---644 0 0 {note}\n$\n")
    image = empty(tmp_path / "vda", XFS_SIZE)
    said("mkfs.xfs", "-q", "-L", "data", "-p", tmp_path / "proto", image)

    point = point_of(tmp_path, {"vda": image})

    (volume,) = list_volumes(*point)
    assert (volume.content.kind, volume.content.label) == ("xfs", "data")
    assert fetched(point, "vda/note", tmp_path) == note.read_bytes()


@dataclass(frozen=True)
class Lvm:
    """LVM's own programs over loop devices, told to leave the kernel and this machine alone."""

    folder: Path
    devices: tuple[str, ...]

    def run(self, *words: str) -> str:
        known = ", ".join(f'"a|^{device}$|"' for device in self.devices)
        (self.folder / "lvm.conf").write_text(
            f'devices {{ use_devicesfile = 0\n scan_lvs = 0\n global_filter = [ {known}, "r|.*|" ] }}\n'
            f'global {{ locking_dir = "{self.folder}" }}\n'
            f"activation {{ udev_sync = 0\n udev_rules = 0 }}\n"
        )
        return said(*words, "--driverloaded", "n", LVM_SYSTEM_DIR=str(self.folder))

    def places(self, name: str) -> Iterator[tuple[str, int]]:
        """In the volume's order: the device and the offset in it of each stretch of STRIPE bytes."""
        report = ("-o", "pv_name,pe_start", "--units", "b", "--nosuffix", "--reportformat", "json")
        starts = {
            row["pv_name"]: int(row["pe_start"])
            for row in json.loads(self.run("pvs", *report))["report"][0]["pv"]
        }
        shown = self.run(
            "lvs", "--segments", "--noheadings", "-o", "seg_pe_ranges", f"group/{name}"
        )
        for segment in shown.splitlines():
            ranges = re.findall(r"(\S+):(\d+)-(\d+)", segment)
            first, last = int(ranges[0][1]), int(ranges[0][2])
            for stretch in range((last - first + 1) * EXTENT // STRIPE):
                for device, begin, _end in ranges:
                    yield device, starts[device] + int(begin) * EXTENT + stretch * STRIPE


@contextlib.contextmanager
def looped(*images: Path) -> Iterator[tuple[str, ...]]:
    devices: list[str] = []
    try:
        for image in images:
            device = said("losetup", "--find", "--show", image)
            devices.append(device.strip())
        yield tuple(devices)
    finally:
        for device in devices:
            said("losetup", "--detach", device)


@pytest.mark.skipif(shutil.which("lvm") is None, reason="lvm2 is not installed")
def test_files_come_out_of_logical_volumes_in_pieces_and_in_stripes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "note").write_bytes(os.urandom(300_000))
    filled = empty(tmp_path / "filled", VOLUME)
    said("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, filled)
    images = {name: empty(tmp_path / name, 64 * MIB) for name in ("vda", "vdb")}
    with looped(*images.values()) as devices:
        lvm = Lvm(tmp_path, devices)
        lvm.run("pvcreate", "-q", "-y", *devices)
        lvm.run("vgcreate", "-q", "-s", f"{EXTENT}b", "group", *devices)
        off = ("-q", "-y", "-an", "-Zn", "-Wn")
        # In the way of the next, which then is in two pieces.
        lvm.run("lvcreate", *off, "-L", "16m", "-n", "between", "group", f"{devices[0]}:8-23")
        lvm.run("lvcreate", *off, "-L", f"{VOLUME}b", "-n", "pieces", "group", devices[0])
        lvm.run(
            "lvcreate", *off, "-L", f"{VOLUME}b", "-i", "2", "-I", "64k", "-n", "striped", "group"
        )
        for name in ("pieces", "striped"):
            write(filled, list(lvm.places(name)))

    point = point_of(tmp_path, images)

    assert {each.name for each in list_volumes(*point)} >= {"group-pieces", "group-striped"}
    for name in ("pieces", "striped"):
        back = fetched(point, f"group-{name}/note", tmp_path / name)
        assert back == (tree / "note").read_bytes()


def write(content: Path, places: list[tuple[str, int]]) -> None:
    """Spread what a volume holds over its devices."""
    assert len(places) * STRIPE == content.stat().st_size
    with content.open("rb") as source:
        for device, offset in places:
            with open(device, "r+b") as target:
                target.seek(offset)
                target.write(source.read(STRIPE))
    for device in {device for device, _ in places}:
        with open(device, "r+b") as target:
            # Into the image, also where somebody else has the device open and it is not let go.
            os.fsync(target.fileno())
