"""A `replication disable` that dies anywhere: the same command ends it, on both sides.

It is killed before each thing it does to the world, one after the other, until one comes through;
of the many files that go at the end, before some.
"""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
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
# The command, which dies before the N-th of what changes something.
_DYING = """
import os, shutil, signal, sys
from holdfast.app import replication_ending as ending
from holdfast.cli.main import main

at, seen = int(sys.argv.pop(1)), 0

def deadly(place, name):
    real = getattr(place, name)

    def called(*given, **named):
        global seen
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)

    setattr(place, name, called)

for name in ("write_note", "sync_folder", "forget_checkpoints", "tidy_up", "give_autostart_back",
             "asked", "note_end"):
    deadly(ending, name)
deadly(os, "unlink")
deadly(shutil, "rmtree")
sys.exit(main())
"""


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
    side = pair.source
    words = side.host.words(sys.executable, "-c", _DYING, str(at), "replication", "disable", name)
    done = subprocess.run(words, env=side.environment(), capture_output=True, check=False)
    return done.returncode


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
