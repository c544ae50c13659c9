"""A machine that was failed over goes on being protected to its old home, by what differs alone."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.units import KIB, MIB
from holdfast.replication.settings import PointPolicy
from holdfast.replication.source_advance import Did
from holdfast.replication.source_facts import How
from holdfast.testing.hosts import KvmHost
from tests import machines_bench
from tests.way_back_bench import FIRST, SECOND, SIZES, NewHome, WayBack, scattered, way_back

pytestmark = machines_bench.MARKS
GRAIN = 64 * KIB


@pytest.fixture
def bench(kvm_hosts: tuple[KvmHost, KvmHost], tmp_path: Path) -> Iterator[WayBack]:
    with way_back(kvm_hosts, tmp_path) as made:
        yield made


def assert_same(bench: WayBack, new: NewHome) -> None:
    """What would start at home is what runs at the new one."""
    for target in SIZES:
        assert bench.home.content(target) == bytes(new.machine.disks[target].content)


def copied(new: NewHome) -> int:
    sent, _walk = new.replicating.known()
    return sent.walked_bytes


def test_only_what_either_side_wrote_is_copied_and_home_becomes_the_new_side(
    bench: WayBack,
) -> None:
    home = bench.home.machine
    home.write(FIRST, 7 * MIB, b"written at home, never shipped" * 100)
    home.zero(SECOND, 0, 128 * KIB)
    home.stop()
    new = bench.fail_over()
    new.machine.write(FIRST, 9 * MIB + 4096, b"written beyond" * 1000)
    new.machine.write(SECOND, MIB, b"beyond" * 500)
    before = bench.home.originals()

    _adopted, united = new.reprotect()
    done = new.replicating.point()

    assert united.compared == {}
    assert done.did is Did.STEP
    assert_same(bench, new)
    assert bench.home.originals() == before
    assert 0 < copied(new) <= 6 * GRAIN


def test_an_older_point_was_started_and_home_had_gone_on(bench: WayBack) -> None:
    home, chance = bench.home.machine, random.Random(7)
    first = bench.home.replicating.known()[0].acked
    assert first is not None
    for at in scattered(chance, SIZES[FIRST], 6):
        home.write(FIRST, at, b"between the points" * 30)
    bench.home.replicating.point()
    for at in scattered(chance, SIZES[FIRST], 4):
        home.write(FIRST, at, b"after the last one" * 30)
    home.stop()
    new = bench.fail_over(first.name)
    for at in scattered(chance, SIZES[FIRST], 5):
        new.machine.write(FIRST, at, b"at the new home" * 30)

    _adopted, united = new.reprotect()
    new.replicating.point()

    assert united.compared == {}
    assert_same(bench, new)
    assert copied(new) <= 1.5 * 15 * GRAIN


def test_a_home_that_lost_power_is_compared_and_not_believed(bench: WayBack) -> None:
    home = bench.home.machine
    home.write(FIRST, 3 * MIB, b"lost in no record" * 200)
    for target in SIZES:
        home.flush(target)
    home.cut_power()
    new = bench.fail_over()
    new.machine.write(FIRST, 2 * MIB, b"beyond" * 100)

    adopted, united = new.reprotect()
    walk = new.replicating.advance()
    begun = new.replicating.known()[1]
    new.replicating.point()

    assert walk.did is Did.WALK_BEGUN
    assert begun is not None
    assert {disk.how for disk in begun.disks} == {How.COMPARE}
    assert set(united.compared) == {FIRST, SECOND}
    assert all(disk.why for disk in adopted.disks)
    assert_same(bench, new)
    assert copied(new) < MIB


def test_it_goes_on_as_any_replication_and_its_layers_are_merged_above_the_original(
    bench: WayBack,
) -> None:
    bench.home.machine.stop()
    new = bench.fail_over()
    before = bench.home.originals()
    new.reprotect()
    new.replicating.point()

    for number in range(4):
        new.machine.write(FIRST, number * MIB, b"and on" * 1000)
        new.replicating.point()
    bench.home.site.thin(new.machine.uuid, PointPolicy(hours=0, most=1))
    while bench.home.site.merge_one(new.machine.uuid):
        pass

    assert_same(bench, new)
    assert bench.home.originals() == before
