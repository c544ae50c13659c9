"""Server and agents die at each step of each act that a server has ordered: it comes to its end, once.

The act stands still when it has told of a step, while all of them are killed and come back as from
their service managers.
"""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.place import Place
from holdfast.app.file_locks import is_locked
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_by_uuid, list_domains
from holdfast.hypervisor.states import State
from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine, read_image
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.two_hosts import Ground, followed_machine, ground_on, with_mounts_of
from tests.faults.test_migration_killed import STEPS as OF_COMPLETED
from tests.faults.test_recovery_each_step_killed import STEPS, WITHIN_OTHERS
from tests.faults.test_trial_and_hosts_killed import PARTS

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.timeout(900),
]
WITHIN = 240.0
WELL = ("done", "warnings")
# Of acts that the table does not have.
_OF_ITS_OWN = {"test": PARTS, "completed": OF_COMPLETED}
_AGENT = Path(__file__).parent.with_name("gated_agent.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """`name` as the table of steps has it; `word` as the server calls it."""

    name: str
    word: str
    stage: Stage
    runs_at: str
    arguments: dict[str, Any] = field(default_factory=dict)
    # Whose host does it.
    at: str = "south"
    epochs: int = 0
    is_disaster: bool = False

    @property
    def steps(self) -> list[str]:
        """Those it comes to stand at."""
        if self.name in _OF_ITS_OWN:
            return [*_OF_ITS_OWN[self.name]]
        passed = WITHIN_OTHERS.get(self.name, set())
        return [step for step in STEPS[self.name] if step not in passed]


_HURRIED = {"force": True, "shutdown_within": "1s"}
_DROPPING = {"discard_changes": True}
PLANNED = Ordered(
    name="planned",
    word="planned",
    arguments=_HURRIED,
    stage=Stage.FAILED_OVER,
    runs_at="south",
    epochs=1,
)
LIVE = replace(PLANNED, name="live", arguments={"live": True})
UNPLANNED = replace(
    PLANNED,
    name="unplanned",
    word="unplanned",
    arguments={"source_is_down": True},
    is_disaster=True,
)
CHANGE = replace(
    PLANNED,
    name="change-point",
    word="change-point",
    arguments={"point": "latest", **_DROPPING},
    epochs=0,
)
UNDO = Ordered(
    name="undo",
    word="undo",
    arguments=_DROPPING,
    stage=Stage.PROTECTED,
    runs_at="north",
    epochs=1,
)
COMMIT = Ordered(name="commit", word="commit", stage=Stage.COMMITTED, runs_at="south")
# Nothing goes back any more.
COMPLETED = replace(
    COMMIT,
    name="completed",
    arguments={"complete_migration": True},
    stage=Stage.MIGRATED,
)
REPROTECT = Ordered(
    name="reprotect", word="reprotect", stage=Stage.PROTECTED_IN_REVERSE, runs_at="south"
)
FAILBACK = Ordered(
    name="failback",
    word="failback",
    arguments=_HURRIED,
    stage=Stage.COMMITTED,
    runs_at="north",
    at="north",
    epochs=1,
)
FAILBACK_LIVE = replace(FAILBACK, name="failback-live", arguments={"live": True})
HOME_AGAIN = Ordered(
    name="reprotect-home",
    word="reprotect",
    stage=Stage.PROTECTED,
    runs_at="north",
    at="north",
)
TEST = Ordered(
    name="test",
    word="test",
    arguments={"checks": ["runs"]},
    stage=Stage.PROTECTED,
    runs_at="north",
)
# Those with their deaths; an act that only leads to the next one has none.
ROUNDS = {
    "undone": ((TEST, True), (PLANNED, True), (CHANGE, True), (UNDO, True)),
    "back": (
        (PLANNED, False),
        (COMMIT, True),
        (REPROTECT, True),
        (FAILBACK, True),
        (HOME_AGAIN, True),
    ),
    "live": ((LIVE, True), (REPROTECT, False), (FAILBACK_LIVE, True), (HOME_AGAIN, False)),
    "migrated": ((PLANNED, False), (COMPLETED, True)),
    "disaster": ((UNPLANNED, True), (UNDO, False)),
}


class Agents:
    """Of both hosts; any of them may be killed and started again. `gate` is where jobs stand."""

    def __init__(self, gate: Path, hosts: tuple[KvmHost, KvmHost]) -> None:
        self.gate = gate
        self._hosts = dict(zip(("north", "south"), hosts, strict=True))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @contextmanager
    def at_work(self, bench: Bench) -> Iterator[None]:
        self.start(bench)
        try:
            yield
        finally:
            # What stands goes on, so that it can be ended.
            shutil.rmtree(self.gate, ignore_errors=True)
            process = self._processes[bench.root.name]
            process.terminate()
            process.wait(WITHIN)

    def start(self, bench: Bench) -> None:
        on_its_host = with_mounts_of(self._hosts[bench.root.name])
        with (bench.root / "agent.log").open("ab") as log:
            self._processes[bench.root.name] = subprocess.Popen(
                [*on_its_host, sys.executable, _AGENT, self.gate, "agent", "run"],
                env=bench.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_for(self, bench: Bench) -> None:
        wait_until(partial(_is_at_work, bench), within=WITHIN)

    def kill(self, bench: Bench) -> None:
        process = self._processes[bench.root.name]
        process.kill()
        process.wait(WITHIN)


def _is_at_work(bench: Bench) -> bool:
    return is_locked(Place(str(bench.home)).lock)


class Fleet:
    def __init__(self, ground: Ground, agents: Agents, hosts: tuple[KvmHost, KvmHost]) -> None:
        self.ground, self._agents, self._hosts = ground, agents, hosts

    def kill_all(self) -> None:
        """They are back when this returns; neither waits for the other."""
        benches = (self.ground.south, self.ground.north)
        self.ground.server.kill()
        for bench in benches:
            self._agents.kill(bench)
            self._agents.start(bench)
        self.ground.server.start()
        for bench in benches:
            self._agents.wait_for(bench)

    def record(self, act: Ordered, vm: str) -> RecoveryRecord:
        """As the host has it that does the act."""
        bench = self.ground.south if act.at == "south" else self.ground.north
        known = RecordFolder(str(bench.home), vm).load()
        return known or RecoveryRecord(vm=vm, name=vm)

    def go_through(self, act: Ordered, machine: StillMachine, *, is_deadly: bool) -> list[str]:
        """The steps that it came to stand at; with all deaths at each of them."""
        job, stood = self._order(machine.name, act), list[str]()
        while not self.is_over(job):
            if (file := self.standing()) is None:
                continue
            if step := step_told(file):
                stood.append(step)
            if is_deadly:
                self.kill_all()
            assert len(self.running_at(machine.uuid)) < 2, "it runs on both hosts"
            file.unlink()
        told = self.ground.get(f"/jobs/{job}")
        assert told["job"]["state"] in WELL, (act.name, stood, told["error"])
        return stood

    def _order(self, name: str, act: Ordered) -> str:
        with self.ground.server.client() as client:
            told = {"arguments": act.arguments}
            answer = client.post(f"/api/v1/recovery/{name}/{act.word}", json=told)
            assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def is_over(self, job: str) -> bool:
        """Of a job that stands there is nothing to be asked."""
        if self.standing() is not None:
            return False
        return self.ground.get(f"/jobs/{job}")["job"]["state"] not in ("waiting", "running")

    def standing(self) -> Path | None:
        return next((one for one in self._agents.gate.iterdir() if not one.suffix), None)

    def running_at(self, vm: str) -> list[str]:
        found = []
        for host in self._hosts:
            with Host.open(host.uri) as hypervisor:
                domains = [each for each in list_domains(hypervisor) if each.uuid == vm]
                # One that is on its way stands there, paused, while it runs here.
                found += [host.name for one in domains if one.standing().state is State.RUNNING]
        return found

    def stopped_in_the_south(self, vm: str) -> bytes:
        """What its disk holds then."""
        with Host.open(self._hosts[1].uri) as hypervisor:
            domain = find_by_uuid(hypervisor, vm)
            (disk,) = domain.spec().disks
            domain.destroy(graceful=True)
            wait_until(lambda: not domain.is_active(), within=WITHIN)
        assert disk.source is not None
        return read_image(Path(disk.source))

    def is_stage(self, act: Ordered, machine: StillMachine) -> bool:
        return self.record(act, machine.uuid).stage is act.stage

    def is_at(self, act: Ordered, machine: StillMachine) -> bool:
        """As both hosts and the server know it."""
        told = self.ground.recovery(machine.name)
        return (
            self.is_stage(act, machine)
            and self.running_at(machine.uuid) == [act.runs_at]
            and told["stage"] == act.stage.value
            and told["runs_on"] == act.runs_at
        )


def step_told(file: Path) -> str:
    """At which it has come to stand; nothing where it only says how far it is."""
    said = json.loads(file.read_bytes().splitlines()[-1])
    return "" if said.get("said") else str(said.get("step") or said["part"])


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, kvm_hosts: tuple[KvmHost, KvmHost]
) -> Iterator[Fleet]:
    agents = Agents(tmp_path_factory.mktemp("gate"), kvm_hosts)
    folder = tmp_path_factory.mktemp("orders")
    with ground_on(kvm_hosts, folder, agent=agents.at_work) as ground:
        yield Fleet(ground, agents, kvm_hosts)


@pytest.fixture
def machine(fleet: Fleet, kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[StillMachine]:
    with followed_machine(fleet.ground, kvm_hosts, "ordered") as machine:
        yield machine


@pytest.mark.parametrize("acts", ROUNDS.values(), ids=ROUNDS)
def test_killed_at_each_step_of_what_was_ordered_it_comes_to_its_end_once(
    fleet: Fleet, machine: StillMachine, acts: tuple[tuple[Ordered, bool], ...]
) -> None:
    for act, is_deadly in acts:
        if act.is_disaster:
            machine.cut_power()
        epoch = fleet.record(act, machine.uuid).epoch

        stood = fleet.go_through(act, machine, is_deadly=is_deadly)

        assert stood == act.steps
        record = fleet.record(act, machine.uuid)
        assert (record.act, record.epoch) == (None, epoch + act.epochs)
        if act is UNDO:
            wait_until(partial(fleet.is_stage, act, machine), within=WITHIN)
            _start(machine)
        wait_until(partial(fleet.is_at, act, machine), within=WITHIN)

    if acts[-1][0].runs_at == "north":
        machine.stop()
        assert machine.read("vda") == bytes(machine.disks["vda"].content)
    else:
        assert fleet.stopped_in_the_south(machine.uuid) == bytes(machine.disks["vda"].content)


def _start(machine: StillMachine) -> None:
    """Where it is at home; its host may be quicker."""
    with contextlib.suppress(HoldfastError):
        if not machine.is_on():
            machine.start()
