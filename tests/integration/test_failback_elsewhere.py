"""A machine that was failed over goes on to a third host, and its old home stays out of it."""

import time
from collections.abc import Iterator

from holdfast.recovery.desk import SPLIT_BRAIN
from holdfast.recovery.keeping_up import LISTEN_FIRST
from holdfast.recovery.record import Stage
from holdfast.testing.guests import Guest
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.both_languages import refused_in_both
from tests.moving_bench import LIVE, boot_of, counted, replicated_guest
from tests.third_bench import (
    COLD,
    NEVER,
    SIZES,
    WITHIN,
    ThreeSites,
    Wanderer,
    forget,
    three,
    wandering,
)

pytestmark = machines_bench.MARKS
__all__ = ["three"]


def test_it_goes_from_the_site_to_another_host_and_all_the_way_back(three: ThreeSites) -> None:
    """Each way by what differs alone; its first home gets its own images back."""
    with wandering(three) as machine:
        machine.go_on()
        machine.write()
        machine.move("west", "failover", "--planned", *COLD)
        assert refused_in_both(three.north, "failback", machine.name) == "recovery-reprotect-first"
        # Neither of the two hosts it was at before can start it.
        machine.assert_only_at("west")
        machine.write()

        for there, back in (("west", "south"), ("south", "north")):
            done = machine.type(there, "reprotect").event("recovery-done")
            figures = done["figures"]
            assert figures["compared_disks"] == 0
            assert 0 < figures["copied_bytes"] <= 1.5 * figures["suspect_bytes"]
            machine.write()
            machine.move(back, "failback", *COLD)
            machine.write()

        home = machine.machines["north"]
        assert machine.running() == ["north"]
        assert all(home.image(target)[0] == disk.path for target, disk in home.disks.items())
        machine.assert_whole()


def test_an_undo_gives_it_back_to_the_host_in_the_middle(three: ThreeSites) -> None:
    with wandering(three) as machine:
        machine.go_on()
        machine.write()
        held = machine.content()
        machine.move("west", "failover", "--planned", *COLD)
        machine.write()

        machine.type("west", "failover undo", "--discard-changes")

        machine.is_as(held)
        machine.runs_at = "south"
        wait_until(lambda: machine.record("west").stage is Stage.PROTECTED, within=WITHIN)
        wait_until(lambda: machine.running() == ["south"], within=WITHIN)
        wait_until(
            lambda: machine.record("north").epoch == machine.record("south").epoch, within=WITHIN
        )
        assert machine.is_barred("north")
        # It is followed as before, and can go again.
        machine.write()
        machine.move("west", "failover", "--planned", *COLD)
        machine.assert_only_at("west")
        machine.assert_whole()


def test_another_point_is_started_there(three: ThreeSites) -> None:
    with wandering(three) as machine:
        machine.go_on()
        before = machine.content()
        facts = three.west.facts(machine.uuid)
        assert facts is not None
        point = facts.points[-1].generation
        machine.write()
        machine.move("west", "failover", "--planned", *COLD)
        machine.write()

        words = ("--point", point, "--discard-changes")
        machine.move("west", "failover change-point", *words)

        machine.is_as(before)
        machine.assert_only_at("west")
        machine.write()
        machine.type("west", "commit")
        # What lies between the two points is what the middle has and it has not.
        done = machine.type("west", "reprotect").event("recovery-done")
        assert done["figures"]["compared_disks"] == 0
        machine.move("south", "failback", *COLD)
        machine.assert_only_at("south")
        machine.assert_whole()


def test_it_moves_on_without_a_stop_and_all_the_way_back(three: ThreeSites) -> None:
    north, south, west = three.each
    with replicated_guest(three.both, "rover") as guest:
        boot, name = boot_of(guest), guest.name
        south.run("failover", name, *LIVE)
        south.run("commit", name)
        south.run("replication", "enable", name, "--to", "west", *NEVER)
        try:
            west.run("failover", name, *LIVE)
            assert_the_same(guest.at(west.host), boot)
            west.run("reprotect", name)
            south.run("failback", name, "--live")
            assert_the_same(guest.at(south.host), boot)
            south.run("reprotect", name)
            north.run("failback", name, "--live")
            assert_the_same(guest, boot)
        finally:
            forget(west.host, guest.uuid)


def assert_the_same(guest: Guest, boot: str) -> None:
    """Not one that was started again, and it has missed nothing."""
    wait_until(guest.answers, within=WITHIN)
    assert boot_of(guest) == boot
    lines = counted(guest)
    assert lines == list(range(1, len(lines) + 1))


def test_a_host_in_the_middle_that_lost_its_power_does_not_start_it_again(
    three: ThreeSites,
) -> None:
    """Not before it has heard of the third host either; started by force it is told of."""
    with wandering(three) as machine:
        machine.go_on()
        held = machine.content()
        machine.write()
        three.south.host.cut_power()
        three.south.kill()
        machine.is_as(held)
        machine.move("west", "failover", "--unplanned", "--source-is-down")
        machine.write()

        # Its site is not heard: it waits, and so does whoever serves there.
        three.west.rest()
        three.south.host.start()
        three.south.work()
        wait_until(lambda: waits_for_site(machine), within=WITHIN)
        refused = refused_in_both(three.south, "failover", "start", machine.name)
        listened = [*listening_for(machine, LISTEN_FIRST.total_seconds() + 10)]
        three.west.work()
        machine.assert_only_at("west")

        assert refused == "failover-start-not-certain"
        assert not any(listened)
        machine.type("south", "failover start", "--force")
        wait_until(lambda: is_split(machine, "south"), within=WITHIN)
        wait_until(lambda: is_split(machine, "west"), within=WITHIN)
        assert sorted(machine.running()) == ["south", "west"]
        # The one at the third host is right: what the other wrote is compared, and replaced.
        machine.machines["south"].stop()
        done = machine.type("west", "reprotect").event("recovery-done")
        assert done["figures"]["compared_disks"] == len(SIZES)
        machine.move("south", "failback", *COLD)
        machine.assert_only_at("south")
        machine.assert_whole()


def test_a_first_home_that_was_away_all_the_time_stays_barred(three: ThreeSites) -> None:
    """It hears from the host in the middle, whose replica comes from the third by then."""
    with wandering(three) as machine:
        machine.go_on()
        wait_until(lambda: machine.record("north").epoch == 1, within=WITHIN)
        three.north.rest()
        machine.move("west", "failover", "--planned", *COLD)
        machine.write()
        machine.type("west", "reprotect")

        three.north.work()

        machine.assert_only_at("west")
        machine.type("north", "failover start", "--force")
        wait_until(lambda: is_split(machine, "north"), within=WITHIN)
        assert machine.record("west").runs_at == machine.record("south").runs_at


def is_split(machine: Wanderer, at: str) -> bool:
    return SPLIT_BRAIN in [event.what for event in machine.record(at).events]


def waits_for_site(machine: Wanderer) -> bool:
    """So its status says there."""
    said = machine.type("south", "replication status", status=None)
    return "waits-for-site" in said.out


def listening_for(machine: Wanderer, seconds: float) -> Iterator[bool]:
    """Whether it runs in the middle, looked at again and again for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield machine.is_on("south")
        time.sleep(0.2)
