"""A mount whose vault is damaged, whose process was killed, or whose storage hangs."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.latch import Latch
from holdfast.files.mount.place import mounted_kind
from holdfast.files.mount.serving import MountOptions, serve
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.mounts import mounted
from holdfast.testing.vaults import PASSPHRASE, add_point, open_vault, small_vault
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Kind
from holdfast.vault.repository import Repository

pytestmark = [pytest.mark.faults, pytest.mark.real, pytest.mark.slow]

BAD = random.Random(1).randbytes(3 << 20)
GOOD = random.Random(2).randbytes(2 << 20)


@pytest.fixture
def mountpoint(tmp_path: Path) -> Path:
    path = tmp_path / "mnt"
    path.mkdir()
    return path


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    (tmp_path / "vault").mkdir()
    repository = small_vault(DirectoryStorage(str(tmp_path / "vault")))
    add_point(repository, {"bad": BAD, "folder/good": GOOD})
    return tmp_path / "vault"


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_bytes(PASSPHRASE.reveal())
    path.chmod(0o600)
    return path


def damage(vault: Path, name: bytes, *, blob: int) -> None:
    """Flip a byte in the middle of one blob of a file at the top of the only point."""
    repository = open_vault(DirectoryStorage(str(vault)))
    nodes = repository.load_tree(repository.find_snapshot("latest").tree)
    (content,) = (node.content for node in nodes if node.raw_name == name)
    assert content is not None
    place = repository.index.find(Kind.DATA, bytes.fromhex(content[blob]))  # type: ignore[arg-type]
    assert place is not None
    path = vault / pack_path(place.pack)
    path.chmod(0o600)
    with path.open("r+b") as pack:
        pack.seek(place.offset + place.length // 2)
        byte = pack.read(1)
        pack.seek(-1, os.SEEK_CUR)
        pack.write(bytes([byte[0] ^ 0xFF]))


def test_a_damaged_blob_fails_its_own_reads_only(
    vault: Path, passphrase: Path, mountpoint: Path
) -> None:
    damage(vault, b"bad", blob=1)

    with mounted(vault, passphrase, mountpoint) as mount:
        top = mountpoint / "points/latest"
        with (top / "bad").open("rb", buffering=0) as file:
            start = os.pread(file.fileno(), 4096, 0)
            with pytest.raises(OSError, match="Input/output error"):
                os.pread(file.fileno(), 4096, (1 << 20) + 5)
            end = os.pread(file.fileno(), 4096, len(BAD) - 4096)
        good = (top / "folder/good").read_bytes()
        mount.end()
        said = mount.said()

    assert (start, end, good) == (BAD[:4096], BAD[-4096:], GOOD)
    assert said.count("answered with an error") == 1


def test_a_missing_pack_fails_reads_and_the_mount_lives_on(
    vault: Path, passphrase: Path, mountpoint: Path
) -> None:
    with mounted(vault, passphrase, mountpoint) as mount:
        names = os.listdir(mountpoint / "points/latest")
        for pack in (vault / "data").glob("*/*"):
            pack.unlink()
        with pytest.raises(OSError, match="Input/output error"):
            (mountpoint / "points/latest/bad").read_bytes()
        again = os.listdir(mountpoint / "points/latest")

        status = mount.end()

    assert (sorted(names), names, status) == (["bad", "folder"], again, 0)


def test_a_mount_left_by_a_killed_process_is_taken_away(
    vault: Path, passphrase: Path, mountpoint: Path
) -> None:
    with mounted(vault, passphrase, mountpoint) as mount:
        os.listdir(mountpoint / "points")
        mount.end(signal.SIGKILL)
        with pytest.raises(OSError, match="not connected"):
            os.statvfs(mountpoint)

        with mounted(vault, passphrase, mountpoint) as second:
            content = (mountpoint / "points/latest/folder/good").read_bytes()
            second.end()
            said = second.said()

    assert content == GOOD
    assert "whose process is gone" in said
    assert mounted_kind(os.fsencode(mountpoint)) is None


class HangingStorage(MemoryStorage):
    """Answers as memory does, until it is told to hang in the next read."""

    def __init__(self) -> None:
        super().__init__()
        self.hang = False
        self.hanging = threading.Event()
        self.released = threading.Event()

    def read(self, name: str, offset: int, length: int) -> bytes:
        if self.hang:
            self.hanging.set()
            self.released.wait(600)
        return super().read(name, offset, length)


@pytest.fixture
def hanging() -> Iterator[HangingStorage]:
    storage = HangingStorage()
    yield storage
    storage.released.set()


def test_a_hanging_storage_does_not_keep_a_mount_from_ending(
    hanging: HangingStorage, mountpoint: Path
) -> None:
    repository = small_vault(hanging)
    add_point(repository, {"file": GOOD})
    stop, ready = Latch(), threading.Event()
    server = serving(repository, mountpoint, stop=stop, ready=ready)
    assert ready.wait(90)
    os.listdir(mountpoint / "points/latest")
    hanging.hang = True
    reader = threading.Thread(target=read_if_possible, args=(mountpoint / "points/latest/file",))
    reader.start()
    assert hanging.hanging.wait(90)

    stop.set()
    server.join(90)

    assert not server.is_alive()
    assert mounted_kind(os.fsencode(mountpoint)) is None
    hanging.released.set()
    reader.join(90)
    assert not reader.is_alive()


def test_one_hanging_read_of_a_far_storage_does_not_delay_the_others(
    hanging: HangingStorage, mountpoint: Path
) -> None:
    repository = small_vault(hanging)
    add_point(repository, {"one": GOOD, "other": BAD})
    stop, ready = Latch(), threading.Event()
    server = serving(repository, mountpoint, stop=stop, ready=ready, threads=True)
    assert ready.wait(90)
    top = mountpoint / "points/latest"
    os.listdir(top)
    hanging.hang = True
    reader = threading.Thread(target=read_if_possible, args=(top / "one",))
    reader.start()
    assert hanging.hanging.wait(90)
    hanging.hang = False

    other = (top / "other").read_bytes()

    assert other == BAD
    assert reader.is_alive()
    hanging.released.set()
    reader.join(90)
    stop.set()
    server.join(90)
    assert mounted_kind(os.fsencode(mountpoint)) is None


def serving(
    repository: Repository,
    mountpoint: Path,
    *,
    stop: Latch,
    ready: threading.Event,
    threads: bool | None = None,
) -> threading.Thread:
    def run() -> None:
        serve(
            repository,
            os.fsencode(mountpoint),
            options=MountOptions(threads=threads),
            stop=stop,
            on_ready=ready.set,
            warn=lambda _text: None,
        )

    server = threading.Thread(target=run, daemon=True)
    server.start()
    return server


def read_if_possible(path: Path) -> None:
    try:
        path.read_bytes()
    except OSError:
        return
