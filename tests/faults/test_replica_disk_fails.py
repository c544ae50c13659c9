"""The disk of a site fails under it: its replicas are where they were, and go on when it is mended."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.replication.log_errors import LogUnreadable
from holdfast.replication.replica_errors import SiteUnusable
from holdfast.replication.retrying import is_hopeless
from holdfast.replication.settings import PointPolicy
from holdfast.replication.site import Site
from tests.failing_disk import FailingDisk
from tests.faults.conftest import Faults
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
)

pytestmark = [pytest.mark.faults, pytest.mark.real]

CLOCK = SystemClock()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FailingDisk]:
    with FailingDisk(tmp_path).mounted() as disk:
        yield disk


@pytest.fixture
def source(tmp_path: Path) -> Source:
    dice = random.Random(8)
    disks = {"vda": bytearray(dice.randbytes(2 * MIB)), "vdb": bytearray(MIB)}
    return Source(tmp_path / "logs", disks, dice)


def at_step(word: str, act: Callable[[], object]) -> Callable[[str], None]:
    left = [act]

    def on_step(now: str) -> None:
        if now == word and left:
            left.pop()()

    return on_step


def assert_passing(error: HoldfastError) -> None:
    """A source goes on by itself when the disk is mended, and says what is wrong until then."""
    assert isinstance(error, SiteUnusable | LogUnreadable)
    assert not is_hopeless(error)


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("word", ["room seen", "written", "sealed", "point put"])
def test_a_step_whose_layers_cannot_be_written_is_tried_again(
    disk: FailingDisk, source: Source, faults: Faults, word: str, *, reads: bool
) -> None:
    site = Site(disk.at / "site", CLOCK)
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))
    source.write("vdb", 0, source.dice.randbytes(MIB))
    log = source.step(head, files={"nvram": source.dice.randbytes(MIB)})
    send(site, log)

    faults.inject()
    fail = at_step(word, lambda: disk.fail(reads=reads))
    with pytest.raises(HoldfastError) as failed:
        Site(site.folder, CLOCK, on_step=fail).apply(VM, log.hash)

    assert_passing(failed.value)
    disk.mend()
    assert facts(site).head == head
    assert ship(site, log).generation == log.head.until
    assert_points(site, source)
    assert_nothing_left(site)
    faults.survive()


def test_a_layer_that_cannot_be_read_is_not_taken_for_another(
    disk: FailingDisk, source: Source, faults: Faults
) -> None:
    site = Site(disk.at / "site", CLOCK)
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))
    ship(site, source.step(head))
    points = facts(site).points

    faults.inject()
    disk.fail()
    with pytest.raises(HoldfastError) as failed:
        site.hashes(VM, "vda", start=0, length=2 * MIB, chunk=64 * KIB)

    assert_passing(failed.value)
    disk.mend()
    assert facts(site).points == points
    assert_points(site, source)
    faults.survive()


@pytest.mark.parametrize("folder", ["layers", "pins"])
def test_a_folder_nobody_can_look_into_is_not_taken_for_an_empty_one(
    tmp_path: Path, source: Source, faults: Faults, folder: str
) -> None:
    """Points would be given up, or layers merged under a machine that reads them."""
    site = Site(tmp_path / "site", CLOCK)
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))
    newest = ship(site, source.step(head)).generation
    site.attach(VM, newest, who="trial")
    points, place, aside = facts(site).points, site.folder / VM / folder, tmp_path / "aside"
    place.rename(aside)

    faults.inject()
    place.symlink_to(place.name)
    acts: tuple[Callable[[], object], ...] = (
        lambda: site.thin(VM, PointPolicy(most=1)),
        lambda: site.merge_one(VM),
    )
    for act in acts:
        with pytest.raises(HoldfastError) as failed:
            act()
        assert_passing(failed.value)

    place.unlink()
    aside.rename(place)
    assert facts(site).points == points
    assert_points(site, source)
    faults.survive()
