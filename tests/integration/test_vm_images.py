"""QEMU's own tools see the very disk: in a qcow2 image we made, and served out of the vault."""

import random
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.disks import images
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.nbd_server import NbdServer
from holdfast.disks.serving import served_image
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_targets import NbdTarget
from holdfast.machines.disk_writing import WritingOptions, restore_qcow2, write_differences
from holdfast.machines.errors import ImageExists
from holdfast.storage.errors import StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import open_vault, small_vault
from holdfast.testing.vm_points import mixed_image, open_point, overwrite, write_vm_point

pytestmark = pytest.mark.real

MIB = 1 << 20
SIZE = 14 * MIB + 512
OPTIONS = WritingOptions(clock=SystemClock(), workers=3)


class Stored:
    """An image, and the point of it."""

    def __init__(self, folder: Path) -> None:
        self.storage = MemoryStorage()
        vault = small_vault(self.storage)
        self.image = mixed_image(folder / "vda.raw", SIZE, seed=21)
        self.report = write_vm_point(vault, {"vda": self.image})

    def reader(self) -> DiskReader:
        return DiskReader(open_point(open_vault(self.storage), self.report), "vda")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return Stored(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def restored(stored: Stored, tmp_path: Path) -> Path:
    path = tmp_path / "back.qcow2"
    restore_qcow2(stored.reader(), str(path), OPTIONS)
    return path


def assert_same(stored: Stored, path: Path) -> None:
    assert images.are_same(stored.image, path, one_format="raw", other_format="qcow2")


def test_a_qcow2_image_is_the_disk_and_sound(stored: Stored, restored: Path) -> None:
    assert_same(stored, restored)
    assert images.inspect(restored).virtual_size == SIZE
    assert restored.stat().st_blocks * 512 < SIZE
    assert [path.name for path in restored.parent.iterdir()] == ["back.qcow2"]


def test_a_qcow2_image_that_is_there_is_not_overwritten(stored: Stored, restored: Path) -> None:
    before = restored.read_bytes()

    with pytest.raises(ImageExists):
        restore_qcow2(stored.reader(), str(restored), OPTIONS)

    assert restored.read_bytes() == before


def test_a_qcow2_restore_that_fails_leaves_nothing(stored: Stored, tmp_path: Path) -> None:
    storage = FaultyStorage(stored.storage)
    reader = DiskReader(open_point(open_vault(storage), stored.report), "vda")
    storage.fail("read", StorageUnavailable(place="it", name="it", reason="timeout"))

    with pytest.raises(StorageUnavailable):
        restore_qcow2(reader, str(tmp_path / "back.qcow2"), OPTIONS)

    assert list(tmp_path.iterdir()) == []


def test_a_qcow2_image_gets_only_the_blocks_that_differ(
    stored: Stored, restored: Path, tmp_path: Path
) -> None:
    clock, noise = SystemClock(), random.Random(4).randbytes(100)
    served = served_image(
        restored, tmp_path / "socket", format_="qcow2", clock=clock, is_writable=True
    )
    with served as address, NbdTarget(lambda: NbdClient(address, contexts=())) as target:
        for at in (0, 5 * MIB - 50, SIZE - 512):
            target.write(at // 512 * 512, noise.ljust(512, b"x"))
        target.flush()

        done = write_differences(stored.reader(), target, OPTIONS)

    assert 0 < done.written + done.zeroed <= 4 * MIB
    assert_same(stored, restored)


def test_the_vault_serves_the_disk_to_qemu(stored: Stored, tmp_path: Path) -> None:
    copy, socket = tmp_path / "copy.raw", tmp_path / "socket"
    with NbdServer({"vda": stored.reader()}, socket):
        uri = images.nbd_uri(UnixAddress(path=socket))
        images.convert(uri, copy, source_format="raw", target_format="raw")

    assert copy.read_bytes() == stored.image.read_bytes()


def test_two_points_of_one_disk_are_two_disks(stored: Stored, tmp_path: Path) -> None:
    vault = open_vault(stored.storage)
    changed = mixed_image(tmp_path / "vda.raw", SIZE, seed=21)
    spans = overwrite(changed, (3 * MIB, b"another"))
    parent = open_point(vault, stored.report)

    report = write_vm_point(vault, {"vda": changed}, parent=parent, changed={"vda": spans})

    fresh = open_vault(stored.storage)
    later = DiskReader(open_point(fresh, report), "vda")
    assert bytes(later.read(0, SIZE)) == changed.read_bytes()
    assert bytes(stored.reader().read(0, SIZE)) == stored.image.read_bytes()
