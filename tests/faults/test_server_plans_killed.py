"""The server dies at each step of a plan that it drives: it goes on, and nothing is done twice.

Which steps there are is not listed: scripts and acts stand at each that they come to, the server is
killed there and started again, and what stood ends while it is away or after it is back.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.two_hosts import followed_machine, ground_on
from tests.faults.conftest import Faults
from tests.faults.test_recovery_orders_killed import (
    FAILBACK,
    HOME_AGAIN,
    PLANNED,
    REPROTECT,
    TEST,
    UNDO,
    Agents,
    Fleet,
    step_told,
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.timeout(900),
]
WITHIN = 240.0
PLAN = """\
name: driven
groups:
  - name: one
    pre:
      - {{host-script: stands, host: north}}
    machines:
      - vm: {vm}
        force: true
        shutdown-within: 1s
        test: {{checks: [runs]}}
        post:
          - host-script: stands
"""
_STANDS = """#!/bin/sh
echo "$HOLDFAST_PLAN_STEP" >>{ran}
echo "$HOLDFAST_PLAN_STEP" >{gate}/script.new
mv {gate}/script.new {gate}/script
while [ -e {gate}/script ]; do sleep 0.05; done
"""
RUNS = {
    # What the server is told on its way, and whether that ends while it is away.
    "test": (("--test",), False),
    "planned": (("--planned",), True),
    "home": (("--planned",), True),
}
# Within its machines; a planned one is shut down by an act that starting it goes on with.
STOOD = {
    "test": [part for part in TEST.steps if part != "cleaned"],
    "planned": [
        *("room", "catch-up", "hand-over"),
        *(step for step in PLANNED.steps if step != "hand-over"),
    ],
    "home": [
        *("home", "room", "catch-up", "hand-over"),
        *(step for step in FAILBACK.steps if step != "hand-over"),
    ],
}
# What leads to where it begins, and afterwards back to a machine that is protected at home.
BEFORE = {"home": (PLANNED, REPROTECT)}
AFTER = {"planned": UNDO, "home": HOME_AGAIN}
# Who knows of it afterwards, and where it runs then.
RUNS_AT = {"test": (UNDO, "north"), "planned": (UNDO, "south"), "home": (HOME_AGAIN, "north")}


class Plans:
    """Of one server, whose hosts have a script that stands; `ran` is where each has run."""

    def __init__(self, fleet: Fleet, gate: Path, folder: Path) -> None:
        self.fleet, self.ran = fleet, folder / "ran"
        for bench in (fleet.ground.north, fleet.ground.south):
            self._give(bench, _STANDS.format(gate=gate, ran=self.ran))

    def _give(self, bench: Bench, text: str) -> None:
        path = bench.home / "plan-scripts" / "stands"
        path.parent.mkdir(mode=0o755)
        path.write_text(text)
        path.chmod(0o755)

    def put(self, vm: str, file: Path) -> None:
        ground = self.fleet.ground
        file.write_text(PLAN.format(vm=vm))
        ground.await_needs(file, within=WITHIN)
        ground.office.admin.run("plan", "server", "put", ground.office.name, file)
        self.ran.write_text("")

    def run(self, words: tuple[str, ...], faults: Faults, *, is_away: bool) -> dict[str, Any]:
        """To its end; at each step its server dies, and what stands ends then if it `is_away`."""
        ground = self.fleet.ground
        begun = ground.office.admin.run("plan", "server", "run", "driven", *words, "--json")
        run = str(begun.event("job")["id"])
        self.stood = list[str]()
        self._die(faults)
        while not self.fleet.is_over(run):
            if (file := self.fleet.standing()) is None:
                continue
            is_script = file.name == "script"
            self.stood.append(file.read_text().strip() if is_script else step_told(file))
            # Whatever stands next may have its file by the same name.
            self._die(faults, file if is_away else None)
            if not is_away:
                file.unlink()
        return ground.get(f"/recovery-plan-runs/{run}")

    def _die(self, faults: Faults, ends_meanwhile: Path | None = None) -> None:
        faults.inject()
        self.fleet.ground.server.kill()
        if ends_meanwhile is not None:
            ends_meanwhile.unlink()
        self.fleet.ground.server.start()
        faults.survive()


@pytest.fixture(scope="module")
def plans(
    tmp_path_factory: pytest.TempPathFactory, kvm_hosts: tuple[KvmHost, KvmHost]
) -> Iterator[Plans]:
    agents = Agents(tmp_path_factory.mktemp("gate"), kvm_hosts)
    folder = tmp_path_factory.mktemp("plans")
    with ground_on(kvm_hosts, folder, workflows=True, agent=agents.at_work) as ground:
        yield Plans(Fleet(ground, agents, kvm_hosts), agents.gate, folder)


@pytest.fixture
def machine(plans: Plans, kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[StillMachine]:
    with followed_machine(plans.fleet.ground, kvm_hosts, "driven") as machine:
        yield machine


@pytest.mark.parametrize("kind", RUNS)
def test_killed_at_each_step_of_its_plan_it_goes_on_and_does_nothing_twice(
    plans: Plans, machine: StillMachine, tmp_path: Path, faults: Faults, kind: str
) -> None:
    fleet, (words, is_away), (knows, runs_at) = plans.fleet, RUNS[kind], RUNS_AT[kind]
    plans.put(machine.name, tmp_path / "driven.yaml")
    for act in BEFORE.get(kind, ()):
        fleet.go_through(act, machine, is_deadly=False)
        wait_until(partial(fleet.is_at, act, machine), within=WITHIN)
    epoch = fleet.record(knows, machine.uuid).epoch

    shown = plans.run(words, faults, is_away=is_away)

    assert shown["run"]["outcome"] == "succeeded", shown
    before, after = "one/pre-1", f"one/{machine.name}/post-1"
    assert plans.ran.read_text().splitlines() == [before, after]
    assert plans.stood == [before, *STOOD[kind], after]
    record = fleet.record(knows, machine.uuid)
    assert (record.act, record.epoch) == (None, epoch + (kind in AFTER))
    assert fleet.running_at(machine.uuid) == [runs_at]
    if (back := AFTER.get(kind)) is not None:
        fleet.go_through(back, machine, is_deadly=False)
        wait_until(partial(fleet.is_stage, back, machine), within=WITHIN)
