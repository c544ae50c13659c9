"""Restores that are killed, run out of room, lose a worker or meet another restore."""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.files.options import RestoreOptions
from holdfast.files.report import Progress, RestoreReport, no_progress
from holdfast.files.restore.errors import (
    TargetBusy,
    TargetFull,
    TargetReadOnly,
    TargetTooSmall,
)
from holdfast.files.restore.restore import restore
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.capture import capture
from holdfast.testing.compare import differences
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.trees import build_hostile_tree, build_small_tree
from holdfast.testing.vaults import add_point, blob_of, open_vault, small_vault
from holdfast.vault.forking import WorkerDied
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Kind
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot
from tests.guarded_mount import guarded_mount

pytestmark = pytest.mark.faults

MIB = 1 << 20
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def vault(tmp_path: Path) -> Repository:
    storage = DirectoryStorage(str(tmp_path / "vault"))
    storage.create_root()
    return small_vault(storage, clock=SystemClock())


def run(vault: Repository, point: Snapshot, target: Path) -> RestoreReport:
    return restore(
        vault, point, RestoreOptions(target=os.fsencode(target)), on_progress=no_progress
    )


def start_in_a_process(vault: Repository, point: Snapshot, target: Path) -> int:
    child = os.fork()
    if not child:
        status = 1
        try:
            run(vault, point, target)
            status = 0
        finally:
            os._exit(status)
    return child


@root_only
@pytest.mark.slow
def test_a_restore_killed_at_any_moment_is_finished_by_the_next(
    vault: Repository, tmp_path: Path
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    build_hostile_tree(source, leave_out=["long-path", "wide", "deep"])
    (source / "image").write_bytes(os.urandom(40 * MIB))
    point = capture(vault, source)
    dice = random.Random(5)
    killed = 0
    # A quick machine is done early: the moments go on being earlier until enough came in time.
    moments = chain([1.0] * 8, [0.3] * 4, repeat(0.05, 40))

    for number, moment in enumerate(moments):
        if number >= 16 and killed >= 4:
            break
        shutil.rmtree(target, ignore_errors=True)
        child = start_in_a_process(vault, point, target)
        time.sleep(dice.uniform(0, 0.5) * moment)
        os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) < 0
        report = run(vault, point, target)
        assert report.problems == []
        skipped = [b"specials/socket"]
        assert differences(source, target, ignore=["root"], leave_out=skipped) == []

    assert killed >= 4


@pytest.mark.slow
def test_what_a_killed_restore_left_never_looks_finished(vault: Repository, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    build_small_tree(source, 3, files=300, mean_size=60_000)
    (source / "image").write_bytes(os.urandom(40 * MIB))
    os.utime(source / "image", ns=(10**18, 10**18))
    point = capture(vault, source)
    dice = random.Random(6)
    seen = number = 0

    # A slow machine has finished nothing so early: it is given more time until it has.
    while number < 10 or (not seen and number < 40):
        number += 1
        shutil.rmtree(target, ignore_errors=True)
        child = start_in_a_process(vault, point, target)
        time.sleep(dice.uniform(0.02, 0.25) * max(1, number - 9))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for path in target.rglob("*"):
            original = source / path.relative_to(target)
            if path.is_file() and path.stat().st_mtime_ns == original.stat().st_mtime_ns:
                assert path.read_bytes() == original.read_bytes()
                seen += 1

    assert seen


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("cannot mount a tmpfs")
    with guarded_mount(place):
        yield place


@root_only
def test_too_little_room_is_said_before_anything_is_written(
    vault: Repository, tiny_disk: Path
) -> None:
    point = add_point(vault, {"srv/large": os.urandom(8 * MIB)})

    with pytest.raises(TargetTooSmall, match=r"4\.00 MiB free, about 4\.\d+ MiB more"):
        run(vault, point, tiny_disk / "target")

    assert list((tiny_disk / "target").iterdir()) == []


@root_only
def test_holes_need_no_room(vault: Repository, tiny_disk: Path) -> None:
    point = add_point(vault, {"srv/disk": bytes(64 * MIB) + b"end"})

    report = run(vault, point, tiny_disk / "target")

    assert report.problems == []
    assert (tiny_disk / "target/srv/disk").stat().st_size == 64 * MIB + 3


class Swelling:
    """Fills a disk once a restore is under way, after it was asked for its room."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk

    def __call__(self, _: Progress) -> None:
        with open(self._disk / "ballast", "ab", buffering=0) as ballast:
            while self._free():
                ballast.write(bytes(min(self._free(), 64 << 10)))

    def _free(self) -> int:
        found = os.statvfs(self._disk)
        return found.f_bfree * found.f_frsize


@root_only
def test_a_disk_that_fills_up_ends_the_restore_clearly(vault: Repository, tiny_disk: Path) -> None:
    files = {f"srv/{number // 50}/{number}": os.urandom(3000) for number in range(1000)}
    point = add_point(vault, files)
    target = tiny_disk / "target"

    with pytest.raises(TargetFull, match="tiny/target"):
        restore(
            vault,
            point,
            RestoreOptions(target=os.fsencode(target), workers=1),
            on_progress=Swelling(tiny_disk),
        )

    restored = [path for path in target.rglob("*") if path.is_file()]
    assert len(restored) < len(files)
    for path in restored:
        assert path.read_bytes() == files[str(path.relative_to(target))]


@root_only
def test_a_read_only_target_is_said_at_once(vault: Repository, tiny_disk: Path) -> None:
    point = add_point(vault, {"srv/file": b"x"})
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)

    with pytest.raises(TargetReadOnly):
        run(vault, point, tiny_disk)


def test_two_restores_do_not_write_to_one_target(vault: Repository, tmp_path: Path) -> None:
    point = add_point(vault, {"srv/file": b"x"})
    target = tmp_path / "target"
    impatient = small_vault()  # its clock does not wait
    other = add_point(impatient, {"srv/file": b"y"})
    refused: list[bool] = []

    def try_another(_: Progress) -> None:
        if not refused:
            with pytest.raises(TargetBusy):
                run(impatient, other, target)
            refused.append(True)

    restore(vault, point, RestoreOptions(target=os.fsencode(target)), on_progress=try_another)

    assert refused
    assert (target / "srv/file").read_bytes() == b"x"


def _children() -> set[int]:
    """Processes of this test's thread; servers of other tests may be among them."""
    listing = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    return {int(pid) for pid in listing.split()}


@pytest.mark.slow
def test_a_worker_that_dies_is_noticed(vault: Repository, tmp_path: Path) -> None:
    point = add_point(vault, {"srv/image": os.urandom(64 * MIB)})

    # One may be done with its work already when it is killed.
    outcomes = (_with_a_killed_worker(vault, point, tmp_path / f"{n}") for n in range(20))
    died, killed = next(found for found in outcomes if found[0])

    assert "signal 9" in str(died)
    assert not Path(f"/proc/{killed}").exists()


def _with_a_killed_worker(
    vault: Repository, point: Snapshot, target: Path
) -> tuple[WorkerDied | None, int]:
    others = _children()
    killed: list[int] = []

    def kill_a_worker(_: Progress) -> None:
        workers = _children() - others
        if not killed and workers:
            killed.append(min(workers))
            os.kill(killed[0], signal.SIGKILL)

    try:
        restore(
            vault,
            point,
            RestoreOptions(target=os.fsencode(target)),
            on_progress=kill_a_worker,
        )
    except WorkerDied as died:
        return died, killed[0]
    return None, 0


def test_a_storage_that_stops_answering_ends_the_restore_and_the_next_finishes_it(
    tmp_path: Path,
) -> None:
    inner = MemoryStorage()
    faulty = FaultyStorage(inner)
    vault = small_vault(faulty)
    files = {f"srv/{number // 10}/{number}": os.urandom(2000) for number in range(300)}
    point = add_point(vault, files)
    target = tmp_path / "target"
    location = vault.index.find(Kind.DATA, blob_of(files["srv/0/0"]))
    assert location is not None
    outage = StorageUnavailable(place="far away", reason="timeout")
    faulty.fail("read", outage, name=pack_path(location.pack))

    # That it is raised here proves that it fired, in a worker that is gone.
    with pytest.raises(StorageUnavailable, match="far away"):
        run(vault, point, target)

    assert run(open_vault(inner), point, target).problems == []
    assert len([path for path in target.rglob("*") if path.is_file()]) == len(files)


def test_an_interrupt_leaves_no_worker_behind(vault: Repository, tmp_path: Path) -> None:
    point = add_point(vault, {"srv/file": b"x"})
    target = tmp_path / "target"
    others = _children()
    workers: set[int] = set()

    def interrupt(_: Progress) -> None:
        workers.update(_children() - others)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(vault, point, RestoreOptions(target=os.fsencode(target)), on_progress=interrupt)

    assert workers
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert run(vault, point, target).problems == []
