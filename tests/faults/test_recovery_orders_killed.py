"""Server and agents die in the middle of a failover that was ordered: it comes to its end, once.

The failover stands still at each step that it is met at while one of them is killed and comes back
as from its service manager.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import list_domains
from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.two_hosts import Ground, followed_machine, ground_on

if TYPE_CHECKING:
    import subprocess

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.timeout(900),
]
WITHIN = 240.0
WELL = ("done", "warnings")
# Those that take long enough to be met at.
LONG = {"room", "catch-up", "hand-over", "promote"}


class Ordering(StrEnum):
    SERVER = "server"
    SITE_AGENT = "agent of the site"
    SOURCE_AGENT = "agent of the source"


class Agents:
    """Of both hosts; any of them may be killed and started again."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @contextmanager
    def at_work(self, bench: Bench) -> Iterator[None]:
        self.start(bench)
        try:
            yield
        finally:
            process = self._processes[bench.root.name]
            process.terminate()
            process.communicate(timeout=WITHIN)

    def start(self, bench: Bench) -> None:
        self._processes[bench.root.name] = bench.start("agent", "run")

    def restart(self, bench: Bench) -> None:
        process = self._processes[bench.root.name]
        process.kill()
        process.communicate(timeout=WITHIN)
        self.start(bench)


class Fleet:
    def __init__(self, ground: Ground, agents: Agents, hosts: tuple[KvmHost, KvmHost]) -> None:
        self.ground, self._agents, self._hosts = ground, agents, hosts

    def kill(self, victim: Ordering) -> None:
        """It is back when this returns."""
        if victim is Ordering.SERVER:
            self.ground.server.kill()
            self.ground.server.start()
        else:
            is_site = victim is Ordering.SITE_AGENT
            self._agents.restart(self.ground.south if is_site else self.ground.north)

    def record(self, vm: str) -> RecoveryRecord:
        known = RecordFolder(str(self.ground.south.home), vm).load()
        return known or RecoveryRecord(vm=vm, name=vm)

    def order(self, machine: str, act: str, **arguments: object) -> str:
        with self.ground.server.client() as client:
            told = {"arguments": arguments}
            answer = client.post(f"/api/v1/recovery/{machine}/{act}", json=told)
            assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def running_at(self, vm: str) -> list[str]:
        found = []
        for host in self._hosts:
            with Host.open(host.uri) as hypervisor:
                domains = [each for each in list_domains(hypervisor) if each.uuid == vm]
                found += [host.name for each in domains if each.is_active()]
        return found

    def worker(self, vm: str) -> int | None:
        """The process that performs the act, as it has written itself down."""
        lock = Path(self.ground.south.home, "recovery", vm, "lock")
        with contextlib.suppress(OSError, msgspec.DecodeError, KeyError):
            return int(msgspec.json.decode(lock.read_bytes(), type=dict)["pid"])
        return None


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, kvm_hosts: tuple[KvmHost, KvmHost]
) -> Iterator[Fleet]:
    agents = Agents()
    folder = tmp_path_factory.mktemp("orders")
    with ground_on(kvm_hosts, folder, agent=agents.at_work) as ground:
        yield Fleet(ground, agents, kvm_hosts)


@pytest.fixture
def machine(fleet: Fleet, kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[StillMachine]:
    with followed_machine(fleet.ground, kvm_hosts, "ordered") as machine:
        yield machine


@pytest.mark.parametrize("victim", list(Ordering), ids=lambda one: one.replace(" ", "-"))
def test_killed_while_a_failover_is_at_its_steps_it_comes_to_its_end_once(
    fleet: Fleet, machine: StillMachine, victim: Ordering
) -> None:
    vm, epoch = machine.uuid, fleet.record(machine.uuid).epoch
    job = fleet.order(machine.name, "planned", force=True, shutdown_within="1s")

    met = _kill_at_each_step(fleet, vm, victim)

    assert met >= LONG
    assert fleet.ground.over(job)["job"]["state"] in WELL
    record = fleet.record(vm)
    assert (record.stage, record.act, record.epoch) == (Stage.FAILED_OVER, None, epoch + 1)
    assert fleet.running_at(vm) == ["south"]
    wait_until(lambda: fleet.ground.recovery(machine.name)["stage"] == "failed-over", within=WITHIN)
    undone = fleet.ground.order(machine.name, "undo", discard_changes=True)
    assert undone["job"]["state"] in WELL
    wait_until(partial(_is_at_home, fleet, vm), within=WITHIN)


def _kill_at_each_step(fleet: Fleet, vm: str, victim: Ordering) -> set[str]:
    """The steps it was met at, and stood at meanwhile."""
    met: set[str] = set()

    def is_over() -> bool:
        record = fleet.record(vm)
        steps = {note.name for note in record.act.steps} if record.act else set()
        if steps - met:
            met.update(steps)
            with _standing(fleet.worker(vm)):
                fleet.kill(victim)
        return record.stage is Stage.FAILED_OVER and record.act is None

    wait_until(is_over, within=WITHIN)
    return met


@contextmanager
def _standing(pid: int | None) -> Iterator[None]:
    """A process that waits and sees nothing."""
    with contextlib.suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            if pid:
                os.kill(pid, signal.SIGCONT)


def _is_at_home(fleet: Fleet, vm: str) -> bool:
    return fleet.record(vm).stage is Stage.PROTECTED and fleet.running_at(vm) == ["north"]
