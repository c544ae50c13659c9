"""Replication by commands: two hosts that meet by a file, and whatever is killed on the way."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import Exit
from holdfast.base.units import MIB
from holdfast.disks.images import inspect
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.machines.points import Consistency
from holdfast.replication.replicator_wishes import ask_for_cycle
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.status import State
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import (
    COPIED_WITHIN,
    Pair,
    Said,
    replicated,
    replicating_guest,
)
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import KINDS

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]
NEVER_FROZEN = ("--app-every", "never")


@pytest.fixture(scope="module")
def pair(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Pair]:
    with replicated(*kvm_hosts) as pair:
        yield pair


@pytest.fixture
def machine(pair: Pair) -> Iterator[StillMachine]:
    """On, with something on its disks; whatever replicates it ends with the test."""
    with Host.open(pair.source.host.uri) as hypervisor:
        machine = StillMachine(
            pair.source.host, hypervisor, "followed", {"vda": 8 * MIB, "vdb": 2 * MIB}
        )
        try:
            machine.write("vda", 0, b"first" * 1000)
            machine.start()
            yield machine
        finally:
            pair.serve()
            pair.source.run("replication", "disable", machine.name, status=None)
            if pair.source_work is not None:
                pair.source_work.stop()
            machine.remove()


def _checked(said: Said) -> Said:
    """Each line is one of the documented events."""
    for line, event in zip(said.out.splitlines(), said.events, strict=True):
        assert msgspec.to_builtins(msgspec.json.decode(line, type=KINDS[event["event"]])) == event
    return said


def _is_exact(pair: Pair, machine: StillMachine, generation: str) -> bool:
    """Whether a point has what the machine's disks hold now."""
    return all(
        pair.content(machine.uuid, generation, disk.target) == bytes(disk.content)
        for disk in machine.plugged
    )


def _state(pair: Pair, machine: StillMachine) -> State | None:
    status = pair.status(machine.uuid)
    return status.state if status else None


def _caught_up(pair: Pair, machine: StillMachine) -> str:
    """The newest point, of an instant after now."""
    begun = datetime.now(UTC)
    ask_for_cycle(SourceFolder(str(pair.source.home), machine.uuid), SystemClock())

    def is_newer() -> bool:
        facts = pair.facts(machine.uuid)
        return bool(facts and facts.points and facts.points[-1].taken_at > begun)

    wait_until(is_newer)
    return pair.newest(machine.uuid)


def test_machine_is_followed_through_its_life_by_commands(
    pair: Pair, machine: StillMachine
) -> None:
    source, name = pair.source, machine.name

    enabled = _checked(pair.enable(name, *NEVER_FROZEN))
    first = pair.newest(machine.uuid)
    pair.follow()
    source.run("replication", "trace", name, "--on")
    source.run("replication", "pause", name)
    wait_until(lambda: _state(pair, machine) is State.PAUSED)
    paused = _checked(source.run("replication", "status", "--json", status=Exit.WARNINGS))
    machine.write("vda", 3 * MIB, b"second" * 1000)
    source.run("replication", "resume", name)
    source.run("replication", "resync", name, "--now")
    # One that was taken before it was paused may come in only now.
    wait_until(lambda: _is_exact(pair, machine, pair.newest(machine.uuid)), within=COPIED_WITHIN)
    second = pair.newest(machine.uuid)
    shown = source.run("replication", "status", name, "--points", status=None)
    logged = _checked(source.run("replication", "log", name, "--json")).events
    ended = _checked(source.run("replication", "disable", name, "--json"))

    steps = [one for one in enabled.events if one["event"] == "replication-step"]
    assert {one["step"]: one["state"] for one in steps} == {
        **dict.fromkeys(("preflight", "way", "site"), "done"),
        **dict.fromkeys(("settings", "autostart", "initial-copy", "first-cycle"), "done"),
        **dict.fromkeys(("way-back", "extension", "guest"), "left-out"),
    }
    assert not enabled.event("replication-enabled")["is_followed"]
    assert "@north" in paused.event("replication")["paused"]["who"]
    assert second != first
    assert second in shown.out
    assert second in [one["what"] for one in logged if one["kind"] == "point"]
    assert {"state", "step", "happened"} <= {one["kind"] for one in logged}
    assert ended.event("replication-disabled")["left_at_site"] is None
    assert pair.facts(machine.uuid) is None
    assert list_checkpoints(machine.domain) == []
    assert not list((source.home / "replication").iterdir())


def test_a_replica_that_was_removed_is_had_back_at_the_site(
    pair: Pair, machine: StillMachine
) -> None:
    name, site = machine.name, pair.site
    pair.enable(name, *NEVER_FROZEN)
    newest = pair.newest(machine.uuid)

    ended = pair.source.run("replication", "disable", name, status=None)
    listed = _checked(site.run("replication", "kept-replicas", "--json"))
    shown = site.run("replication", "kept-replicas", status=None)
    restored = _checked(site.run("replication", "restore-replica", machine.uuid, "--json"))
    has_it = _is_exact(pair, machine, newest)
    pair.enable(name, *NEVER_FROZEN)
    facts = pair.facts(machine.uuid)
    pair.source.run("replication", "disable", name)
    purged = _checked(site.run("replication", "purge-replica", machine.uuid, "--json"))
    intake = _checked(
        site.run("replication", "intake", "--limit", "8mbit@daily 01:00-02:00", "--json")
    )
    none = site.run("replication", "restore-replica", machine.uuid, status=None)

    assert f"restore-replica {name}" in ended.out
    assert name in shown.out
    # Those of other machines lie there as well.
    (kept,) = [one for one in listed.events if one["uuid"] == machine.uuid]
    assert (kept["event"], kept["vm"]) == ("replica-kept", name)
    assert kept["points"] == restored.event("replica-restored")["points"] > 0
    assert has_it
    assert facts is not None
    assert newest in [point.generation for point in facts.points]
    (limit,) = intake.event("site-intake")["limits"]
    assert limit == {"bytes_per_second": 1_000_000, "window": "daily 01:00-02:00"}
    assert purged.event("replica-purged")["replicas"] == 1
    assert "replica-not-kept" in none.err


def test_points_are_exact_whichever_of_the_two_processes_is_killed(
    pair: Pair, machine: StillMachine
) -> None:
    pair.follow()
    pair.enable(machine.name, *NEVER_FROZEN)

    exact = []
    for number, killed in enumerate((pair.kill_source, pair.kill_site, pair.kill_both)):
        machine.write("vda", number * MIB, bytes([number + 1]) * 100_000)
        killed()
        pair.work()
        exact.append(_is_exact(pair, machine, _caught_up(pair, machine)))

    status = pair.status(machine.uuid)
    machine.stop()
    pair.source.run("replication", "disable", machine.name)

    assert exact == [True] * 3
    assert status is not None
    # No comparison was needed: what is recorded outlives both.
    assert [one.what for one in status.happenings] == ["first-copy"]
    # Off, its records are in its images alone, and libvirt would leave them there.
    assert list_checkpoints(machine.domain) == []
    assert inspect(machine.image("vda")[0], format_="qcow2").bitmaps == ()


def test_enabling_that_was_killed_goes_on_with_the_copy_it_had_begun(
    pair: Pair, machine: StillMachine
) -> None:
    # So slowly that it is killed in the middle, whatever the machine is like.
    words = ("replication", "enable", machine.name, "--to", "south", "--one-way", *NEVER_FROZEN)
    machine.write("vda", 0, random.Random(7).randbytes(4 * MIB))
    incoming = pair.replicas / machine.uuid / "incoming"

    begun = pair.source.start(*words, "--limit", "1mbit")
    wait_until(lambda: any(one.stat().st_size for one in incoming.glob("*")))
    begun.kill()
    before = sum(one.stat().st_size for one in incoming.glob("*"))
    again = pair.source.run(*words, "--limit", "1gbit", "--json")

    steps = [one for one in again.events if one["event"] == "replication-step"]
    assert ("initial-copy", "done") in [(one["step"], one["state"]) for one in steps]
    assert before > 0
    assert _is_exact(pair, machine, pair.newest(machine.uuid))


def test_guest_stands_still_for_a_point_as_often_as_was_asked_for(pair: Pair) -> None:
    with replicating_guest(pair, "still", "--app-every", "1h") as guest:
        facts = pair.facts(guest.uuid)

    assert facts is not None
    first, *others = [point.consistency for point in facts.points]
    # There is no application in it that could be made quiet as well.
    assert first is Consistency.FILESYSTEM
    assert set(others) == {Consistency.CRASH}
