"""A replica that was removed can be had back for some days, with all its points."""

import os
import random
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.replication.replica_errors import ReplicaThere
from holdfast.replication.replica_folder import RESERVE
from holdfast.replication.replicas_away import GRACE
from holdfast.replication.site import Site
from tests.replica_bench import (
    MIB,
    VM,
    MovableClock,
    Source,
    assert_nothing_left,
    assert_points,
    facts,
    first_copy,
    ship,
    wish,
)

pytestmark = [pytest.mark.real]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock) -> Site:
    return Site(tmp_path / "site", clock, grace=GRACE)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    dice = random.Random(4)
    disks = {"vda": bytearray(dice.randbytes(2 * MIB)), "vdb": bytearray(MIB)}
    return Source(tmp_path / "logs", disks, dice)


def two_points(site: Site, source: Source) -> str:
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))
    return ship(site, source.step(head)).generation


def test_what_was_removed_comes_back_and_goes_on(site: Site, source: Source) -> None:
    head = two_points(site, source)
    points = facts(site).points

    site.remove(VM)
    assert site.state(VM) is None
    assert site.replicas() == []
    (away,) = site.away()
    assert (away.vm, away.name, len(away.points)) == (VM, "web", 2)
    site.clean()
    site.put_back(away)

    assert site.away() == []
    assert facts(site).points == points
    source.write("vdb", 0, b"afterwards" * 1000)
    ship(site, source.step(head))
    assert_points(site, source)
    assert_nothing_left(site)


def test_one_that_is_there_again_is_not_replaced(site: Site, source: Source) -> None:
    two_points(site, source)
    site.remove(VM)
    site.prepare(wish(source))

    with pytest.raises(ReplicaThere):
        site.put_back(site.away()[0])

    site.remove(VM)
    assert len(site.away()) == 2
    site.put_back(site.away()[0])
    assert_points(site, source)


def test_beside_a_machine_that_lives_on_there_all_else_comes_back(
    site: Site, source: Source
) -> None:
    two_points(site, source)
    machine = site.folder / VM / "running" / "act"
    machine.mkdir(parents=True)
    (machine / "disk").write_bytes(b"its own")

    for _time in range(2):
        # As a site does that was told of it while it was away.
        site.remove(VM)
    assert (machine / "disk").read_bytes() == b"its own"
    (away,) = site.away()
    site.put_back(away)

    assert (machine / "disk").read_bytes() == b"its own"
    assert_points(site, source)


def test_it_goes_when_its_time_is_over(site: Site, source: Source, clock: MovableClock) -> None:
    two_points(site, source)
    site.remove(VM)

    assert site.purge_due() == []
    clock.let_pass(GRACE - timedelta(minutes=1))
    assert site.purge_due() == []
    clock.let_pass(timedelta(minutes=2))
    assert [away.vm for away in site.purge_due()] == [VM]

    assert os.listdir(site.folder) == []


def test_a_clock_that_is_set_forward_takes_nobody_away(
    site: Site, source: Source, clock: MovableClock
) -> None:
    two_points(site, source)
    site.remove(VM)
    assert site.purge_due() == []

    clock.jump(2 * GRACE)
    assert site.purge_due() == []
    clock.let_pass(GRACE - timedelta(minutes=1))
    assert site.purge_due() == []

    clock.jump(-2 * GRACE)
    site.put_back(site.away()[0])
    assert_points(site, source)


def test_whoever_begins_with_such_a_clock_waits_for_an_hour(
    site: Site, source: Source, clock: MovableClock
) -> None:
    two_points(site, source)
    site.remove(VM)
    clock.jump(2 * GRACE)
    begun_anew = Site(site.folder, clock, grace=GRACE)

    assert begun_anew.purge_due() == []
    clock.let_pass(timedelta(minutes=59))
    assert begun_anew.purge_due() == []
    clock.let_pass(timedelta(minutes=2))
    assert [away.vm for away in begun_anew.purge_due()] == [VM]


def test_a_clock_that_was_years_behind_keeps_it_no_longer_than_it_is_meant_to_stay(
    site: Site, source: Source, clock: MovableClock
) -> None:
    two_points(site, source)
    site.remove(VM)
    clock.jump(-100 * GRACE)
    begun_anew = Site(site.folder, clock, grace=GRACE)
    assert begun_anew.purge_due() == []

    clock.jump(100 * GRACE)
    clock.let_pass(GRACE + timedelta(minutes=1))

    assert [away.vm for away in begun_anew.purge_due()] == [VM]


def test_it_goes_before_replicas_lack_room(
    site: Site, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_points(site, source)
    site.remove(VM)
    seen = os.statvfs(site.folder)

    def little(_path: object) -> os.statvfs_result:
        """As of a file system with so much left as is to stay free."""
        told = list(seen)
        told[2] = 100 * RESERVE // seen.f_frsize
        told[3] = told[4] = RESERVE // seen.f_frsize
        return os.statvfs_result(told)

    assert site.purge_due() == []
    monkeypatch.setattr(os, "statvfs", little)
    assert [away.vm for away in site.purge_due()] == [VM]
