"""A profile of a machine that is replicated meanwhile: neither takes the other's record of changes."""

import contextlib
from collections.abc import Iterator

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.replication.planner.profile_folder import ProfileFolder
from holdfast.replication.replicator_wishes import ask_for_cycle
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Pair, replicated
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS

pytestmark = MARKS


@pytest.fixture(scope="module")
def pair(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Pair]:
    with replicated(*kvm_hosts) as pair:
        yield pair


@pytest.fixture
def machine(pair: Pair) -> Iterator[StillMachine]:
    with Host.open(pair.source.host.uri) as hypervisor:
        machine = StillMachine(pair.source.host, hypervisor, "planned-for", {"vda": 4 * MIB})
        try:
            machine.start()
            yield machine
        finally:
            pair.source.run("replication", "disable", machine.name, status=None)
            if pair.source_work is not None:
                pair.source_work.stop()
            machine.remove()


def checkpoints(machine: StillMachine) -> set[str]:
    """While one is made or removed, libvirt cannot list any."""
    found: list[set[str]] = []

    def can_be_listed() -> bool:
        with contextlib.suppress(HoldfastError):
            found.append({one.name for one in list_checkpoints(machine.domain)})
        return bool(found)

    wait_until(can_be_listed)
    return found[0]


def test_link_is_tried_and_the_report_reckons_with_it(pair: Pair, machine: StillMachine) -> None:
    source = pair.source

    profiled = source.run(
        *("planner", "profile", machine.name, "--for", "12s", "--probe", "south", "--json")
    )
    report = source.run("planner", "report", "--json", "--rpo", "30s")

    probed = profiled.event("planner-probed")
    assert probed["bytes_per_second"] > 0
    assert probed["round_trip_seconds"] > 0
    plan = report.event("planner-report")
    assert plan["copy_rate"] == pytest.approx(probed["bytes_per_second"], abs=1)
    assert [one["site"] for one in plan["probes"]] == ["south"]


def test_replication_and_profile_leave_each_other_alone(pair: Pair, machine: StillMachine) -> None:
    folder = ProfileFolder(str(pair.source.home), machine.uuid)
    pair.source.run(
        *("replication", "enable", machine.name, "--to", "south", "--every", "15m"),
        *("--app-every", "never", "--one-way"),
    )
    first = pair.newest(machine.uuid)
    profiling = pair.source.start("planner", "profile", machine.name, "--json")
    try:
        wait_until(lambda: profiling.is_at_work and folder.checkpoints())
        ours = set(folder.checkpoints())
        machine.write("vda", MIB, b"new" * 1000)
        pair.follow()
        ask_for_cycle(SourceFolder(str(pair.source.home), machine.uuid), SystemClock())
        second = pair.wait_for_point(machine.uuid, after=first)
        left = checkpoints(machine)
    finally:
        status = profiling.stop()

    assert status == 0
    assert ours < left
    assert second != first
    assert pair.content(machine.uuid, second, "vda") == bytes(machine.disks["vda"].content)
    assert checkpoints(machine)
    assert ours.isdisjoint(checkpoints(machine))
