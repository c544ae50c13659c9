"""A machine that was failed over goes on being protected to its old home, by what differs alone."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.desk import SPLIT_BRAIN
from holdfast.recovery.fencing import is_fenced
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import with_event
from holdfast.recovery.way_back_errors import (
    HomeKnowsNewer,
    NotItsSite,
    StillRunsAtHome,
    TargetUnsupported,
)
from holdfast.replication.adoption import AdoptWish
from holdfast.replication.settings import PointPolicy
from holdfast.replication.source_advance import Did
from holdfast.replication.source_facts import How
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import CLOCK
from holdfast.testing.still_machine import StillMachine, read_image
from tests import machines_bench
from tests.way_back_bench import (
    FIRST,
    NORTH,
    SECOND,
    SIZES,
    SOUTH,
    Killer,
    NewHome,
    WayBack,
    as_old_home,
    scattered,
    way_back,
)

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


def test_any_point_was_started_and_both_sides_wrote_anywhere(bench: WayBack) -> None:
    home, seed = bench.home.machine, random.randrange(1 << 32)
    chance, touched = random.Random(seed), dict[str, set[int]]()
    points = [bench.home.replicating.known()[0].acked]
    for _round in range(3):
        _scatter(home, chance, touched)
        bench.home.replicating.point()
        points.append(bench.home.replicating.known()[0].acked)
    _scatter(home, chance, touched)
    home.stop()
    chosen = chance.choice(points)
    assert chosen is not None
    new = bench.fail_over(chosen.name)
    _scatter(new.machine, chance, touched)

    _adopted, united = new.reprotect()
    new.replicating.point()

    assert united.compared == {}, f"seed {seed}"
    assert_same(bench, new)
    written = sum(len(grains) for grains in touched.values()) * GRAIN
    assert copied(new) <= 1.5 * written, f"seed {seed}"


def _scatter(machine: StillMachine, chance: random.Random, touched: dict[str, set[int]]) -> None:
    for target, size in SIZES.items():
        for at in scattered(chance, size, chance.randrange(1, 5)):
            machine.write(target, at, chance.randbytes(4096))
            touched.setdefault(target, set()).add(at // GRAIN)


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


def test_a_raw_disk_that_nobody_wrote_to_since_is_not_compared(
    kvm_hosts: tuple[KvmHost, KvmHost], tmp_path: Path
) -> None:
    with way_back(kvm_hosts, tmp_path, raw=(SECOND,)) as bench:
        bench.home.machine.stop()
        bench.home.replicating.point()
        before = bench.home.originals()
        new = bench.fail_over()
        new.machine.write(SECOND, MIB, b"beyond" * 500)

        adopted, united = new.reprotect()
        new.replicating.point()

        assert united.compared == {}
        assert adopted.disk(SECOND) is not None
        assert_same(bench, new)
        assert bench.home.originals() == before
        assert copied(new) <= 2 * GRAIN


def test_a_raw_disk_that_was_written_since_is_compared_and_the_other_is_not(
    kvm_hosts: tuple[KvmHost, KvmHost], tmp_path: Path
) -> None:
    with way_back(kvm_hosts, tmp_path, raw=(SECOND,)) as bench:
        bench.home.machine.write(SECOND, 2 * MIB, b"in no record" * 100)
        bench.home.machine.stop()
        new = bench.fail_over()
        new.machine.write(FIRST, MIB, b"beyond" * 500)

        _adopted, united = new.reprotect()
        new.replicating.point()

        assert set(united.compared) == {SECOND}
        assert_same(bench, new)


def test_a_record_lost_here_makes_it_a_comparison(bench: WayBack) -> None:
    bench.home.machine.stop()
    new = bench.fail_over()
    new.machine.write(FIRST, MIB, b"beyond" * 500)
    for target in SIZES:
        new.machine.flush(target)
    new.machine.cut_power()
    new.machine.start()

    new.reprotect()
    new.replicating.advance()
    begun = new.replicating.known()[1]
    new.replicating.point()

    assert begun is not None
    assert {disk.how for disk in begun.disks} == {How.COMPARE}
    assert_same(bench, new)


def test_a_lost_note_of_what_it_came_with_makes_it_a_comparison(bench: WayBack) -> None:
    bench.home.machine.stop()
    new = bench.fail_over()
    new.machine.write(FIRST, MIB, b"beyond" * 500)
    nobody_knows = msgspec.structs.replace(new.record, promoted=None)
    new.way = replace(new.way, record=nobody_knows)

    _adopted, united = new.reprotect()
    new.replicating.point()

    assert set(united.compared) == {FIRST, SECOND}
    assert_same(bench, new)


def test_of_two_that_run_none_is_ended_and_a_split_brain_is_compared(bench: WayBack) -> None:
    home = bench.home.machine
    new = bench.fail_over()
    home.write(FIRST, 4 * MIB, b"the wrong one" * 100)
    new.machine.write(FIRST, 4 * MIB + 512, b"the right one" * 100)

    with pytest.raises(StillRunsAtHome):
        new.reprotect()
    still_on = home.is_on() and new.machine.is_on()
    home.stop()
    new.way = replace(new.way, record=_split(new.way.record))
    _adopted, united = new.reprotect()
    new.replicating.point()

    assert still_on
    assert set(united.compared) == {FIRST, SECOND}
    assert_same(bench, new)


def _split(record: RecoveryRecord) -> RecoveryRecord:
    return with_event(record, CLOCK, SPLIT_BRAIN, figures={"epoch": float(record.epoch)})


def test_killed_at_any_step_of_the_adoption_and_of_the_walk_it_goes_on(bench: WayBack) -> None:
    home, killer = bench.home.machine, bench.home.killer
    home.write(FIRST, 7 * MIB, b"written at home, never shipped" * 100)
    home.stop()
    new = bench.fail_over()
    new.machine.write(SECOND, MIB, b"beyond" * 500)
    before = bench.home.originals()

    _adopted, united = killer.through(new.reprotect)
    new.replicating.on_step = killer
    killer.through(new.replicating.point)

    assert killer.killed[:6] == ["fenced", "looked", "noted", "adopted", "forgotten", "walk-begun"]
    assert {"slice-begun", "sliced", "kept"} <= set(killer.killed)
    assert united.compared == {}
    assert_same(bench, new)
    assert bench.home.originals() == before
    assert copied(new) <= 6 * GRAIN


def test_what_ran_on_a_point_becomes_a_layer_of_its_replica_and_killed_anywhere_stays_whole(
    bench: WayBack,
) -> None:
    bench.home.machine.stop()
    new = bench.fail_over()
    new.reprotect()
    new.replicating.point()
    new.machine.write(FIRST, 5 * MIB, b"and handed over" * 100)
    new.machine.stop()
    new.replicating.point()
    killer, vm = Killer(), new.machine.uuid
    own = as_old_home(new.root, bench.south, new.site.folder, killer)
    points = new.site.state(vm)
    wish = AdoptWish(epoch=2, act="act-2", is_forward=True, source=NORTH.machine)

    adopted = killer.through(lambda: own.adopt(vm, wish))

    assert killer.killed == ["fenced", "looked", "noted", "adopted", "forgotten"]
    assert [disk.suspect_bytes for disk in adopted.disks] == [0, 0]
    assert points is not None
    assert adopted.facts.points == points.points
    assert not (new.site.folder / vm / "running" / "act-0").exists()
    for target in SIZES:
        image = new.site.folder / vm / "layers" / f"{target}.{adopted.facts.head}.qcow2"
        assert read_image(image) == bytes(new.machine.disks[target].content)


def test_a_home_whose_hypervisor_cannot_run_it_is_told_of(bench: WayBack) -> None:
    bench.home.machine.stop()
    new = bench.fail_over()
    own = as_old_home(bench.home.root, bench.north, bench.home.site.folder, Killer())
    wish = AdoptWish(epoch=1, act="act-1", source=SOUTH.machine)

    with pytest.raises(TargetUnsupported):
        replace(own, connect=lambda: Host.open("test:///default")).adopt(new.machine.uuid, wish)
    adopted = own.adopt(new.machine.uuid, wish)

    assert {disk.target for disk in adopted.disks} == {FIRST, SECOND}


def test_a_home_whose_bar_somebody_took_off_is_barred_again(bench: WayBack) -> None:
    bench.home.machine.stop()
    new = bench.fail_over()
    own = as_old_home(bench.home.root, bench.north, bench.home.site.folder, Killer())
    wish = AdoptWish(epoch=1, act="act-1", source=SOUTH.machine)
    own.adopt(new.machine.uuid, wish)

    bench.home.machine.define()
    own.adopt(new.machine.uuid, wish)

    assert is_fenced(bench.home.machine.domain)


def test_a_home_gives_its_disks_to_its_own_site_and_to_no_older_epoch(bench: WayBack) -> None:
    bench.home.machine.stop()
    vm = bench.home.machine.uuid
    own = as_old_home(bench.home.root, bench.north, bench.home.site.folder, Killer())
    own.adopt(vm, AdoptWish(epoch=2, act="act-2", source=SOUTH.machine))

    with pytest.raises(NotItsSite):
        own.adopt(vm, AdoptWish(epoch=3, act="act-3", source="another"))
    with pytest.raises(HomeKnowsNewer):
        own.adopt(vm, AdoptWish(epoch=1, act="act-1", source=SOUTH.machine))
