"""A `replication disable` that dies anywhere: the same command ends it, on both sides.

It is killed before each thing it does to the world, one after the other, until one comes through;
of the many files that go at the end, before some.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.testing.host_commands import run
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Pair, replicated
from holdfast.testing.still_machine import StillMachine
from tests.faults.conftest import Faults

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
_KILLED = -9
_NEVER_FROZEN = ("--app-every", "never")
_DYING = Path(__file__).parent.with_name("dying_disabling.py")


@pytest.fixture(scope="module")
def pair(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Pair]:
    with replicated(*kvm_hosts) as pair:
        yield pair


@pytest.fixture
def machine(pair: Pair) -> Iterator[StillMachine]:
    with Host.open(pair.source.host.uri) as hypervisor:
        machine = StillMachine(pair.source.host, hypervisor, "parting", {"vda": 4 * MIB})
        try:
            machine.write("vda", 0, b"what it has" * 1000)
            machine.start()
            with pair.source.host.connected() as connection:
                connection.lookupByUUIDString(machine.uuid).setAutostart(True)
            pair.work()
            yield machine
        finally:
            pair.source.run("replication", "disable", machine.name, status=None)
            machine.remove()


def test_the_same_command_ends_it_wherever_it_was_killed(
    pair: Pair, machine: StillMachine, faults: Faults
) -> None:
    at, status, said = 0, _KILLED, [""]
    while status == _KILLED:
        at += 1 if at < 8 else 3
        pair.enable(machine.name, *_NEVER_FROZEN)
        faults.inject()
        status = dying(pair, machine.name, at)
        again = pair.source.run("replication", "disable", machine.name, "--json", status=None)
        assert is_parted(pair, machine), f"killed before the {at}th"
        said = [event["code"] for event in again.events if event["event"] == "error"]
        assert said in ([], ["replication-not-enabled"]), f"killed before the {at}th"
        faults.survive()

    # Of one that came through there is nothing to end any more.
    assert (status, said) == (0, ["replication-not-enabled"])
    assert at > 10


def dying(pair: Pair, name: str, at: int) -> int:
    request = pair.source.request(_DYING, str(at), "replication", "disable", name)
    status, _out, _err = run(request, within=90)
    return status


def is_parted(pair: Pair, machine: StillMachine) -> bool:
    # The lock it held may lie there: it is of nothing.
    left = {entry.name for entry in pair.source.home.glob(f"replication/{machine.uuid}/*")}
    with pair.source.host.connected() as connection:
        starts_by_itself = connection.lookupByUUIDString(machine.uuid).autostart()
    return (
        pair.facts(machine.uuid) is None
        and list_checkpoints(machine.domain) == []
        and bool(starts_by_itself)
        and left <= {"loop.lock"}
    )
