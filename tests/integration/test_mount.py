"""A real FUSE mount of a repository stock restic made, compared with its source."""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.files.backup.job import BackupJob, back_up
from holdfast.files.options import BackupOptions
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.compare import differences
from holdfast.testing.mounts import Mounted, mounted
from holdfast.testing.trees import build_hostile_tree
from holdfast.testing.vaults import PASSPHRASE, small_vault

pytestmark = [pytest.mark.real, pytest.mark.slow]

BIG = 24 << 20
# restic itself cannot read paths over 4096 bytes.
NOT_FOR_RESTIC = ("long-path",)
# restic 0.14 stores no sockets, no xattrs of symlinks, no links of pipes, and targets as UTF-8.
NOT_KEPT_BY_RESTIC = (
    b"hard-links/here/pipe",
    b"hard-links/here/pipe-again",
    b"hard-links/there/pipe",
    b"names/as-link",
    b"specials/socket",
    b"symlinks/not-utf-8",
    b"xattrs/link",
)


class Place:
    """A source, its repository, and where to mount it."""

    def __init__(self, root: Path) -> None:
        self.source = root / "source"
        self.hostile = self.source / "hostile"
        self.vault = root / "vault"
        self.passphrase = root / "passphrase"
        self.passphrase.write_text("correct horse\n", encoding="utf-8")
        self.passphrase.chmod(0o600)
        self.source.mkdir()
        self.restic("init")

    def restic(self, *arguments: str) -> str:
        common = ["restic", "-q", "-r", str(self.vault), "-p", str(self.passphrase), "--no-cache"]
        done = subprocess.run(
            [*common, *arguments], check=True, capture_output=True, text=True, timeout=120
        )
        return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("mount")
    made = Place(root)
    build_hostile_tree(made.hostile, leave_out=NOT_FOR_RESTIC)
    (made.source / "big").write_bytes(random.Random(5).randbytes(BIG))
    made.restic("backup", "--host", "alpha", "--tag", "a/b", str(made.source))
    return made


@pytest.fixture
def mount(place: Place, tmp_path: Path) -> Iterator[Mounted]:
    (tmp_path / "mnt").mkdir()
    with mounted(place.vault, place.passphrase, tmp_path / "mnt") as running:
        yield running


def below(mount: Mounted, source: Path) -> Path:
    return Path(f"{mount.path}/points/latest{source}")


def test_a_point_shows_every_attribute_of_the_source(place: Place, mount: Mounted) -> None:
    found = differences(place.hostile, below(mount, place.hostile), leave_out=NOT_KEPT_BY_RESTIC)

    assert found == []


def test_a_point_of_our_own_shows_what_restic_cannot_keep(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "mnt").mkdir()
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE.reveal())
    source = build_hostile_tree(tmp_path / "source").root
    vault = small_vault(DirectoryStorage(str(tmp_path / "vault")), clock=SystemClock())
    back_up(
        BackupJob(
            repository=vault, options=BackupOptions(paths=(os.fsencode(source),), host="alpha")
        )
    )

    with mounted(tmp_path / "vault", passphrase, tmp_path / "mnt") as mount:
        found = differences(source, below(mount, source))

    assert found == []


def test_every_way_leads_to_the_same_point(place: Place, mount: Mounted) -> None:
    name = os.readlink(mount.path / "points/latest")
    ways = [f"points/{name}", f"hosts/alpha/{name}", "hosts/alpha/latest", f"tags/a_b/{name}"]

    seen = {os.stat(mount.path / way).st_ino for way in ways}

    assert len(seen) == 1
    assert seen == {os.stat(entry).st_ino for entry in (mount.path / "ids").iterdir()}


def test_random_reads_by_many_readers_are_those_of_the_source(place: Place, mount: Mounted) -> None:
    source = (place.source / "big").read_bytes()
    path = below(mount, place.source) / "big"

    def read_about(seed: int) -> list[int]:
        dice = random.Random(seed)
        with open(path, "rb", buffering=0) as file:
            return [
                at
                for at, size in [(dice.randrange(BIG), dice.randrange(300_000)) for _ in range(60)]
                if os.pread(file.fileno(), size, at) != source[at : at + size]
            ]

    with ThreadPoolExecutor(4) as readers:
        wrong = list(readers.map(read_about, range(4)))

    assert wrong == [[], [], [], []]


def test_a_stream_is_that_of_the_source(place: Place, mount: Mounted) -> None:
    streamed = (below(mount, place.source) / "big").read_bytes()

    assert streamed == (place.source / "big").read_bytes()


def test_nothing_can_be_written(place: Place, mount: Mounted) -> None:
    path = below(mount, place.source)

    for act in (lambda: (path / "big").open("ab"), (path / "new").touch, (path / "big").unlink):
        with pytest.raises(OSError, match="Read-only"):
            act()


def test_a_backup_goes_on_beside_a_mount_and_its_lock(place: Place, mount: Mounted) -> None:
    held = [path.name for path in (place.vault / "locks").iterdir()]

    place.restic("backup", "--host", "beta", str(place.source / "big"))
    mount.end()

    assert len(held) == 1
    assert list((place.vault / "locks").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_unmounts_and_ends_well(mount: Mounted, number: signal.Signals) -> None:
    status = mount.end(number)

    assert (status, mount.is_mounted, mount.said()) == (0, False, "")


def test_a_signal_unmounts_under_an_open_file(place: Place, mount: Mounted) -> None:
    file = os.open(below(mount, place.source) / "big", os.O_RDONLY)
    os.read(file, 10)

    status = mount.end()

    assert (status, mount.is_mounted) == (0, False)
    with pytest.raises(OSError, match="not connected"):
        os.close(file)


def test_an_unmount_from_outside_ends_the_process(mount: Mounted) -> None:
    subprocess.run(["umount", str(mount.path)], check=True)

    status = mount.process.wait(90)

    assert (status, mount.said()) == (0, "")


def test_a_second_mount_on_the_same_folder_is_refused(place: Place, mount: Mounted) -> None:
    with (
        pytest.raises(RuntimeError, match="mountpoint-busy"),
        mounted(place.vault, place.passphrase, mount.path),
    ):
        pass
