"""Whoever keeps a replica may die at any step: all of it is there, or nothing, and it goes on."""

import os
import random
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.disks.spans import Span
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.replication.settings import PointPolicy
from holdfast.replication.site import Site
from holdfast.testing.killing import start
from tests.faults.conftest import Faults
from tests.faults.replica_walk import patiently
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

FILES = {"domain.xml": b"<domain/>", "nvram": b"1" * 900}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    dice = random.Random(8)
    disks = {"vda": bytearray(dice.randbytes(2 * MIB)), "vdb": bytearray(MIB)}
    return Source(tmp_path / "logs", disks, dice)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site", SystemClock())


def killed(site: Site, word: str, act: Callable[[Site], object]) -> None:
    """Do it in a process that dies at that step."""

    def work() -> str:
        def on_step(now: str) -> None:
            if now == word:
                os.kill(os.getpid(), signal.SIGKILL)

        act(Site(site.folder, SystemClock(), on_step=on_step))
        return "done"

    assert start(work).end() == ""


def write(source: Source) -> None:
    source.write("vda", 100 * KIB, source.dice.randbytes(300 * KIB))
    source.write("vda", MIB, bytes(100 * KIB))
    source.write("vdb", 17 * KIB, source.dice.randbytes(9 * KIB))


@pytest.mark.parametrize("word", ["verified", "written", "sealed", "point put", "noted", "cleared"])
def test_a_step_is_there_or_not(site: Site, source: Source, faults: Faults, word: str) -> None:
    head = first_copy(site, source)
    write(source)
    source.resize("vdb", 700 * KIB)
    log = source.step(head, files=FILES)
    send(site, log)

    faults.inject()
    killed(site, word, lambda site: site.apply(VM, log.hash))

    is_there = word in ("noted", "cleared")
    assert facts(site).head == (log.head.until if is_there else head)
    assert (site.incoming(VM, log.hash, size=log.size).ack is not None) == is_there
    assert_points(site, source)
    send(site, log)
    assert patiently(lambda: site.apply(VM, log.hash)).generation == log.head.until
    assert len(facts(site).points) == 2
    assert_points(site, source)
    assert_nothing_left(site)
    faults.survive()


WORDS = ("verified", "written", "sealed", "noted", "cleared")


@pytest.mark.parametrize(
    ("word", "number"), [("begun", 0), *((word, number) for word in WORDS for number in (0, 1))]
)
def test_a_walk_goes_on_at_its_slice(
    site: Site, source: Source, faults: Faults, word: str, number: int
) -> None:
    first_copy(site, source)
    write(source)
    start, since = new_name(), facts(site).head
    spans = [{"vda": [Span(0, 2 * MIB)]}, {"vdb": [Span(0, MIB)]}]
    if number:
        ship(site, source.slice(since, start, number=0, spans=spans[0]))
    log = source.slice(since, start, number=number, spans=spans[number])
    source.dirty.clear()
    send(site, log)

    faults.inject()
    killed(site, word, lambda site: site.apply(VM, log.hash))
    # It is read at another instant the second time.
    write(source)
    is_there = word in ("noted", "cleared")
    for again in range(number + is_there, 2):
        other = source.slice(since, start, number=again, spans=spans[again])
        patiently(partial(ship, site, other))

    patiently(lambda: ship(site, source.step(start)))
    assert_points(site, source)
    assert_nothing_left(site)
    faults.survive()


@pytest.mark.parametrize("word", ["merge noted", "merged", "renamed", "merge done"])
def test_a_merge_is_brought_to_its_end(
    site: Site, source: Source, faults: Faults, word: str
) -> None:
    head = first_copy(site, source)
    for _time in range(3):
        write(source)
        source.resize("vdb", source.dice.choice((MIB, 200 * KIB + 512, 2 * MIB)))
        head = ship(site, source.step(head)).generation
    site.pin(VM, facts(site).points[1].generation, who="somebody")
    site.thin(VM, PointPolicy(hours=0))

    faults.inject()
    killed(site, word, lambda site: site.merge_one(VM))
    assert_points(site, source)
    write(source)
    head = ship(site, source.step(head)).generation

    assert_points(site, source)
    while patiently(lambda: site.merge_one(VM)):
        pass
    assert_points(site, source)
    assert_nothing_left(site)
    assert len(list((site.folder / VM / "layers").iterdir())) == 6
    faults.survive()


def test_points_that_are_dropped_are_dropped(site: Site, source: Source, faults: Faults) -> None:
    head = first_copy(site, source)
    for _time in range(2):
        write(source)
        head = ship(site, source.step(head)).generation

    faults.inject()
    killed(site, "thinned", lambda site: site.thin(VM, PointPolicy(hours=0)))

    assert [point.generation for point in facts(site).points] == [head]
    site.tend(VM)
    assert_points(site, source)
    assert_nothing_left(site)
    faults.survive()


def test_what_is_removed_is_gone(site: Site, source: Source, faults: Faults) -> None:
    first_copy(site, source)

    faults.inject()
    killed(site, "removed", lambda site: site.remove(VM))

    assert site.state(VM) is None
    assert site.replicas() == []
    site.clean()
    assert list(site.folder.iterdir()) == []
    assert site.prepare(wish(source)).is_new
    faults.survive()
