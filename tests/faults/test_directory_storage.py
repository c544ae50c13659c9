"""A directory storage when the process, the disk or the file system lets it down."""

import errno
import mmap
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB, MIB
from holdfast.storage import durable
from holdfast.storage.arriving import Arrival
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import (
    FileExists,
    FileMissing,
    PlaceMissing,
    StorageBroken,
    StorageDenied,
    StorageFull,
    StorageUnavailable,
)
from tests.guarded_mount import guarded_mount

pytestmark = pytest.mark.faults

NAME = "data/ab/abcdef"
OLD = "data/ab/old"
# Large enough for direct writes, with a tail that is not a whole block.
PLAIN = bytes(range(256)) * (8 * KIB) + b"tail"
# Memory pages are aligned, as direct writes want it.
_PAGES = mmap.mmap(-1, len(PLAIN))
_PAGES[:] = PLAIN
CONTENT = memoryview(_PAGES)
# Every call into the kernel that put makes to change something.
STAGES = ("open", "write", "fsync", "close", "link", "unlink", "mkdir")


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    storage = DirectoryStorage(str(tmp_path / "vault"))
    storage.create_root()
    return storage


def _count_calls(storage: DirectoryStorage, stage: str, monkeypatch: pytest.MonkeyPatch) -> int:
    calls = 0
    original = getattr(os, stage)

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, stage, counted)
        storage.put(NAME, CONTENT)
    storage.delete(NAME)
    return calls


def _die_at(call: int, *, after: bool, stage: str) -> None:
    """Make this process kill itself before or after the given call of os.<stage>."""
    original = getattr(os, stage)
    left = call

    def deadly(*args: object, **kwargs: object) -> object:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return original(*args, **kwargs)
        finally:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    setattr(os, stage, deadly)


def _in_child(work: Callable[[], None]) -> int:
    """Run in a forked child; the signal that ended it, 0 if it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh-folder", "known-folder"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_put_leaves_all_or_nothing(
    tmp_path: Path, stage: str, *, after: bool, fresh: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = DirectoryStorage(str(tmp_path / "counting"))
    counting.create_root()
    if not fresh:
        counting.put(OLD, b"old")
    calls = _count_calls(counting, stage, monkeypatch)
    assert calls or (stage == "mkdir" and not fresh)

    for call in range(1, calls + 1):
        storage = DirectoryStorage(str(tmp_path / f"vault-{call}"))
        storage.create_root()
        storage.put("config" if fresh else OLD, b"old")

        def work(storage: DirectoryStorage = storage, call: int = call) -> None:
            _die_at(call, after=after, stage=stage)
            storage.put(NAME, CONTENT)

        assert _in_child(work) == signal.SIGKILL
        _assert_whole_or_absent(storage)
        _assert_next_run_repairs(storage)


def _assert_whole_or_absent(storage: DirectoryStorage) -> None:
    names = {entry.name: entry.size for entry in storage.list("")}
    assert names.pop("config", None) or names.pop(OLD, None)
    assert names in ({}, {NAME: len(CONTENT)})
    if names:
        assert storage.get(NAME) == CONTENT


def _assert_next_run_repairs(storage: DirectoryStorage) -> None:
    with suppress(FileExists):
        storage.put(NAME, CONTENT)
    assert storage.get(NAME) == CONTENT
    storage.sweep(before=datetime.now(UTC) + timedelta(minutes=1))
    assert _leftovers(storage) == []
    assert storage.get(NAME) == CONTENT


def _leftovers(storage: DirectoryStorage) -> list[str]:
    return [
        name
        for _folder, _folders, names in os.walk(storage.place)
        for name in names
        if "-tmp-" in name
    ]


@pytest.mark.parametrize("size", [4 * KIB, 3 * MIB], ids=["small", "large"])
@pytest.mark.parametrize("stage", ["write", "fsync", "link"])
def test_file_refused_on_its_way_in_leaves_nothing_behind(
    storage: DirectoryStorage, stage: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    arrival = storage.begin(NAME)
    with monkeypatch.context() as patch:
        patch.setattr(os, stage, refuse)
        with pytest.raises(StorageFull):
            _take_in(arrival, bytes(size))
    arrival.abort()

    assert _leftovers(storage) == []


def _take_in(arrival: Arrival, content: bytes) -> None:
    arrival.write(content)
    arrival.commit()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EIO, StorageBroken),
        (errno.EROFS, StorageDenied),
        (errno.EACCES, StorageDenied),
        (errno.ESTALE, StorageUnavailable),
    ],
)
@pytest.mark.parametrize("stage", ["open", "write", "fsync", "link", "mkdir"])
def test_a_refused_call_leaves_nothing_behind(
    storage: DirectoryStorage,
    stage: str,
    code: int,
    error: type[HoldfastError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage.put("config", b"old")

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, stage, refuse)
        with pytest.raises(error) as caught:
            storage.put(NAME, CONTENT)

    assert os.strerror(code) in str(caught.value)
    assert [entry.name for entry in storage.list("")] == ["config"]
    assert _leftovers(storage) == []
    storage.put(NAME, CONTENT)
    assert storage.get(NAME) == CONTENT


def test_short_writes_are_continued(
    storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    sizes = iter([1, 4096, 5000, 4095] * 200)
    monkeypatch.setattr(os, "write", lambda file, view: write(file, view[: next(sizes)]))

    storage.put("small", CONTENT[:9000])
    storage.put(NAME, CONTENT[: MIB + 5])

    assert storage.get("small") == CONTENT[:9000]
    assert storage.get(NAME) == CONTENT[: MIB + 5]


def test_a_write_without_progress_ends(
    storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda _file, _view: 0)

    with pytest.raises(StorageBroken):
        storage.put(NAME, CONTENT)

    assert list(storage.list("")) == []


def _without(monkeypatch: pytest.MonkeyPatch, *ways: str) -> None:
    """Take from the file system its hard links, and renameat2 too if it is named."""

    def refuse(*args: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    def unknown_flag(_old: bytes, _new: bytes) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "link", refuse)
    if "renameat2" in ways:
        monkeypatch.setattr(durable, "_renameat2", lambda: unknown_flag)


@pytest.mark.parametrize("ways", [("link",), ("link", "renameat2")])
def test_without_hard_links_put_still_never_replaces(
    storage: DirectoryStorage, ways: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    _without(monkeypatch, *ways)

    storage.put(NAME, b"first")
    with pytest.raises(FileExists):
        storage.put(NAME, b"second")

    assert storage.get(NAME) == b"first"
    assert _leftovers(storage) == []


def test_a_missing_root_is_never_made(tmp_path: Path) -> None:
    storage = DirectoryStorage(str(tmp_path / "not-mounted"))

    for act in (
        lambda: storage.put(NAME, b""),
        lambda: storage.put("config", b""),
        lambda: storage.get(NAME),
        lambda: storage.size(NAME),
        lambda: storage.read(NAME, 0, 1),
        lambda: storage.delete(NAME),
        lambda: list(storage.list("data")),
    ):
        with pytest.raises(PlaceMissing) as caught:
            act()
        assert caught.value.source_codes == ("0x80070003",)

    assert not (tmp_path / "not-mounted").exists()


def test_a_sweep_spares_the_young(storage: DirectoryStorage) -> None:
    storage.put(NAME, b"content")
    leftover = Path(storage.place, f"{NAME}-tmp-0123")
    leftover.write_bytes(b"half")
    now = datetime.now(UTC)

    assert storage.sweep(before=now - timedelta(hours=1)) == 0
    assert leftover.exists()
    assert [entry.name for entry in storage.list("")] == [NAME]
    assert storage.sweep(before=now + timedelta(minutes=1)) == 1
    assert not leftover.exists()
    assert storage.get(NAME) == b"content"


def test_a_writer_whose_file_was_swept_begins_again(
    storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put(OLD, b"old")
    link = os.link
    calls = 0

    def link_late(source: str, target: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            os.unlink(source)
        link(source, target)

    monkeypatch.setattr(os, "link", link_late)

    storage.put(NAME, CONTENT)

    assert storage.get(NAME) == CONTENT
    assert calls == 2


def test_modes_keep_others_out(storage: DirectoryStorage) -> None:
    storage.put(NAME, b"content")

    assert Path(storage.place).stat().st_mode & 0o777 == 0o700
    assert Path(storage.place, "data/ab").stat().st_mode & 0o777 == 0o700
    assert Path(storage.place, NAME).stat().st_mode & 0o777 == 0o400


@pytest.fixture(scope="module")
def may_mount(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.environ.get("HOLDFAST_TEST_ALLOW_SKIP") != "1":
        return
    try:
        with _mounted("-t", "tmpfs", "tmpfs", at=tmp_path_factory.mktemp("try") / "mount"):
            pass
    except subprocess.CalledProcessError as err:
        pytest.skip(f"this user or container may not mount: {err.stderr.decode().strip()}")


@contextmanager
def _mounted(*command: str, at: Path) -> Iterator[Path]:
    at.mkdir()
    subprocess.run(["mount", *command, str(at)], check=True, capture_output=True)
    with guarded_mount(at):
        yield at


@pytest.mark.real
@pytest.mark.usefixtures("may_mount")
@pytest.mark.parametrize("size", [100 * KIB, 2 * MIB], ids=["buffered", "direct"])
@pytest.mark.parametrize("system", ["tmpfs", "ext4"])
def test_a_really_full_disk_loses_nothing(tmp_path: Path, system: str, size: int) -> None:
    with _small_disk(system, tmp_path) as root:
        storage = DirectoryStorage(str(root))
        kept, full = _fill(storage, size)

        assert isinstance(full, StorageFull)
        assert {entry.name for entry in storage.list("data")} == set(kept)
        assert all(storage.get(name) == content for name, content in kept.items())
        assert _leftovers(storage) == []
        # Room made is room used.
        storage.delete(next(iter(kept)))
        storage.put("data/again", next(iter(kept.values())))


_IMAGE_SIZES = {"ext4": 16 * MIB, "btrfs": 120 * MIB}


@contextmanager
def _small_disk(system: str, folder: Path, *options: str, at: Path | None = None) -> Iterator[Path]:
    at = at or folder / "disk"
    if system == "tmpfs":
        with _mounted("-t", "tmpfs", "-o", "size=8m", "tmpfs", at=at) as root:
            yield root
        return
    image = folder / "image"
    image.touch()
    os.truncate(image, _IMAGE_SIZES[system])
    subprocess.run([f"mkfs.{system}", "-q", str(image)], check=True)
    with _mounted("-o", ",".join(["loop", *options]), str(image), at=at) as root:
        yield root


def _fill(storage: DirectoryStorage, size: int) -> tuple[dict[str, bytes], HoldfastError]:
    kept: dict[str, bytes] = {}
    for number in range(1000):
        name, content = f"data/{number}", os.urandom(size)
        try:
            storage.put(name, content)
        except HoldfastError as err:
            return kept, err
        kept[name] = content
    raise AssertionError("the disk never became full")


@pytest.mark.real
@pytest.mark.usefixtures("may_mount")
def test_a_read_only_disk_says_so_and_can_be_read(tmp_path: Path) -> None:
    with _small_disk("ext4", tmp_path) as root:
        storage = DirectoryStorage(str(root))
        storage.put(NAME, b"content")
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)

        with pytest.raises(StorageDenied):
            storage.put("data/ab/new", b"")
        with pytest.raises(StorageDenied):
            storage.delete(NAME)

        assert storage.get(NAME) == b"content"
        with pytest.raises(FileMissing):
            storage.get("data/ab/new")


@pytest.mark.real
@pytest.mark.usefixtures("may_mount")
def test_a_used_up_quota_counts_as_full(tmp_path: Path) -> None:
    with _small_disk("btrfs", tmp_path) as root:
        subprocess.run(["btrfs", "quota", "enable", str(root)], check=True)
        subprocess.run(["btrfs", "qgroup", "limit", "4M", str(root)], check=True)
        storage = DirectoryStorage(str(root))
        kept, full = _fill(storage, 400 * KIB)

        assert isinstance(full.__cause__, OSError)
        assert full.__cause__.errno == errno.EDQUOT
        assert {entry.name for entry in storage.list("data")} == set(kept)
        assert all(storage.get(name) == content for name, content in kept.items())
        assert _leftovers(storage) == []


@pytest.mark.real
@pytest.mark.usefixtures("may_mount")
def test_what_put_returned_from_survives_a_power_cut(tmp_path: Path) -> None:
    names = ["config", "data/ab/1", "data/ab/2", "a/b/c/d"]
    # Nothing may reach the disk by the file system's own clock.
    with _small_disk("ext4", tmp_path, "commit=300") as root:
        for number, name in enumerate(names):
            DirectoryStorage(str(root)).put(name, CONTENT[: 1 + number * 70_000])
            # The image at this moment is what a machine without power would find.
            shutil.copyfile(tmp_path / "image", tmp_path / f"after-{number}")

    for number in range(len(names)):
        with _mounted("-o", "loop", str(tmp_path / f"after-{number}"), at=tmp_path / f"{number}"):
            found = DirectoryStorage(str(tmp_path / f"{number}"))
            for at, name in enumerate(names[: number + 1]):
                assert found.get(name) == CONTENT[: 1 + at * 70_000]


@pytest.mark.real
@pytest.mark.usefixtures("may_mount")
def test_a_disk_that_breaks_keeps_what_it_confirmed(tmp_path: Path) -> None:
    # The disk promises 16 MiB and has room for less, like an overbooked thin volume.
    below = tmp_path / "below"
    with _mounted("-t", "tmpfs", "-o", "size=6m", "tmpfs", at=below):
        with _small_disk("ext4", below, at=tmp_path / "disk") as root:
            kept, error = _fill(DirectoryStorage(str(root)), 300 * KIB)

        assert isinstance(error, StorageBroken | StorageFull | StorageDenied)
        assert kept
        # With room again the journal can be played back.
        subprocess.run(["mount", "-o", "remount,size=32m", str(below)], check=True)
        with _mounted("-o", "loop", str(below / "image"), at=tmp_path / "later") as root:
            found = DirectoryStorage(str(root))
            assert all(found.get(name) == content for name, content in kept.items())
