"""A site without room, or whose parts fail, is where it was; with room again it goes on."""

import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import Retry
from holdfast.disks.errors import DiskConnectionLost
from holdfast.disks.spans import Span
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.replication.log_errors import LogUnreadable
from holdfast.replication.replica_errors import SiteFull, SiteUnusable
from holdfast.replication.settings import PointPolicy
from holdfast.replication.site import Site
from holdfast.testing.killing import children_of
from tests.faults.conftest import Faults
from tests.guarded_mount import guarded_mount
from tests.replica_bench import (
    KIB,
    MIB,
    VM,
    Source,
    assert_nothing_left,
    assert_points,
    facts,
    first_copy,
    send,
    ship,
    wish,
)

pytestmark = [pytest.mark.faults, pytest.mark.real]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    dice = random.Random(8)
    disks = {"vda": bytearray(dice.randbytes(2 * MIB)), "vdb": bytearray(MIB)}
    return Source(tmp_path / "logs", disks, dice)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    at = tmp_path / "small"
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(at)], check=True)
    with guarded_mount(at):
        yield at / "site"


def fill(site: Path, *, but: int = 0) -> Path:
    """Take all room but so much; where that lies."""
    filler = site / "filler"
    seen = os.statvfs(site)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, seen.f_bavail * seen.f_frsize - but))
    return filler


def at_step(word: str, act: Callable[[], object]) -> Callable[[str], None]:
    """Do it when that step comes for the first time."""
    left = [act]

    def on_step(now: str) -> None:
        if now == word and left:
            left.pop()()

    return on_step


@pytest.mark.parametrize("word", ["room seen", "written", "sealed", "point put"])
def test_a_step_for_which_the_room_goes_leaves_nothing(
    small: Path, source: Source, faults: Faults, word: str
) -> None:
    site = Site(small, SystemClock())
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))
    source.write("vdb", 0, source.dice.randbytes(MIB))
    log = source.step(head, files={"nvram": source.dice.randbytes(100 * KIB)})
    send(site, log)

    faults.inject()
    poor = Site(small, SystemClock(), on_step=at_step(word, lambda: fill(small)))
    with pytest.raises(SiteFull) as full:
        poor.apply(VM, log.hash)

    assert full.value.retry is Retry.LATER
    assert facts(site).head == head
    (small / "filler").unlink()
    assert ship(site, log).generation == log.head.until
    assert_points(site, source)
    assert_nothing_left(site)
    faults.survive()


def test_a_slice_for_which_the_room_goes_is_put_again(
    small: Path, source: Source, faults: Faults
) -> None:
    site = Site(small, SystemClock())
    site.prepare(wish(source))
    start = new_name()
    spans = {name: [Span(0, len(disk))] for name, disk in source.disks.items()}
    log = source.slice("", start, number=0, spans=spans)
    send(site, log)

    faults.inject()
    poor = Site(small, SystemClock(), on_step=at_step("begun", lambda: fill(small)))
    with pytest.raises(SiteFull):
        poor.apply(VM, log.hash)

    (small / "filler").unlink()
    ship(site, log)
    ship(site, source.step(start))
    assert_points(site, source)
    assert_nothing_left(site)
    faults.survive()


def test_what_has_no_room_is_not_taken_in(small: Path, source: Source, faults: Faults) -> None:
    site = Site(small, SystemClock())
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))
    log = source.step(head)
    fill(small, but=2 * MIB)

    faults.inject()
    with pytest.raises(SiteFull, match="free"):
        site.incoming(VM, log.hash, size=log.size)
    fill(small.parent)
    with pytest.raises(SiteFull):
        site.take(VM, log.hash, offset=0, content=memoryview(log.path.read_bytes()))

    (small / "filler").unlink()
    (small.parent / "filler").unlink()
    ship(site, log)
    faults.survive()


def test_a_first_copy_that_will_not_fit_is_refused_at_once(
    small: Path, source: Source, faults: Faults
) -> None:

    faults.inject()
    with pytest.raises(SiteFull):
        Site(small, SystemClock()).prepare(
            msgspec.structs.replace(wish(source), need_bytes=MIB * 99)
        )
    faults.survive()


def test_layers_are_not_merged_where_there_is_no_room(
    small: Path, source: Source, faults: Faults
) -> None:
    site = Site(small, SystemClock())
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))
    ship(site, source.step(head))
    site.thin(VM, PointPolicy(hours=0))
    filler = fill(small)

    faults.inject()
    assert not site.merge_one(VM)

    assert_points(site, source)
    filler.unlink()
    assert site.merge_one(VM)
    assert_points(site, source)
    faults.survive()


def test_a_server_of_an_image_that_dies_costs_one_try(
    tmp_path: Path, source: Source, faults: Faults
) -> None:
    def kill_servers() -> None:
        for pid in children_of(os.getpid()):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "qemu-nbd":
                os.kill(pid, signal.SIGKILL)

    site = Site(tmp_path / "site", SystemClock())
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))
    log = source.step(head)
    send(site, log)

    faults.inject()
    unlucky = Site(site.folder, SystemClock(), on_step=at_step("written", kill_servers))
    with pytest.raises(DiskConnectionLost):
        unlucky.apply(VM, log.hash)

    assert facts(site).head == head
    assert_nothing_left(site)
    ship(site, log)
    assert_points(site, source)
    faults.survive()


def test_a_log_that_cannot_be_read_stays_to_be_tried_again(
    tmp_path: Path, source: Source, faults: Faults
) -> None:
    site = Site(tmp_path / "site", SystemClock())
    head = first_copy(site, source)
    log = source.step(head)
    part = site.folder / VM / "incoming" / f"{log.hash}.part"
    part.mkdir()

    faults.inject()
    with pytest.raises(LogUnreadable):
        site.apply(VM, log.hash)

    part.rmdir()
    assert ship(site, log).generation == log.head.until
    faults.survive()


def test_a_site_that_is_not_there_is_named(tmp_path: Path, source: Source, faults: Faults) -> None:
    (tmp_path / "file").write_bytes(b"")

    faults.inject()
    with pytest.raises(SiteUnusable):
        Site(tmp_path / "file" / "site", SystemClock()).prepare(wish(source))
    faults.survive()


def test_logs_come_while_others_thin_merge_and_look(
    tmp_path: Path, source: Source, faults: Faults
) -> None:
    site, upkeep = (Site(tmp_path / "site", SystemClock()) for _ in range(2))
    head = first_copy(site, source)
    done = threading.Event()
    failed: list[BaseException] = []

    def look_after() -> None:
        try:
            while not done.is_set():
                upkeep.thin(VM, PointPolicy(most=3))
                upkeep.merge_one(VM)
                found = facts(upkeep)
                assert not found.written
                assert not any(point.is_spoiled for point in found.points)
        except BaseException as err:
            failed.append(err)

    faults.inject()
    thread = threading.Thread(target=look_after)
    thread.start()
    try:
        for number in range(12):
            source.write("vda", number * 100 * KIB, source.dice.randbytes(90 * KIB))
            head = ship(site, source.step(head)).generation
            site.hashes(VM, "vda", start=0, length=2 * MIB, chunk=64 * KIB)
    finally:
        done.set()
        thread.join()

    assert failed == []
    assert_points(site, source)
    assert_nothing_left(site)
    faults.survive()
