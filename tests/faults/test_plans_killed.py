"""A run of a plan of each kind, while what works for it dies at each of its steps, on either host.

Which steps there are the plan says. The command stands when it has told that one begins, one after
the other is killed and comes back, and the same command goes on with what has stopped.
"""

import contextlib
import copy
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.plans.plan import Kind
from holdfast.recovery.plans.progress import SHUT_DOWN
from holdfast.recovery.plans.reading import read_plan
from holdfast.recovery.plans.steps import told_steps
from holdfast.recovery.record import Stage
from holdfast.testing.host_commands import Begun
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.circle_bench import Victim, gated
from tests.integration.test_plans_on_hosts import ENABLED, GONE, WITHIN, Shop

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
NAMES = ("db1", "db2")
SMALL = """\
name: small
groups:
  - name: one
    machines:
      - vm: db1
        force: true
        shutdown-within: 1s
        test: {{checks: [runs]}}
        pre:
          - script: sleep 2; echo before >>{journal}
        post:
          - script: echo db1 >>{journal}
  - name: two
    machines:
      - {{vm: db2, force: true, shutdown-within: 1s, test: {{checks: [runs]}}}}
    post:
      - script: echo after >>{journal}
"""
ALL = ["before", "db1", "after"]
WORDS = {
    Kind.UNPLANNED: GONE,
    Kind.PLANNED: ("--planned",),
    Kind.TEST: ("--test",),
}
STEPS = {
    kind: [step.id for step in told_steps(read_plan(SMALL.format(journal="x").encode(), "x"), kind)]
    for kind in Kind
}
# Those that die one after the other at each step.
HUNTED = {
    "ours": (Victim.SERVE, Victim.RUN, Victim.COMMAND),
    "libvirtd": (Victim.DAEMON, Victim.OTHER_DAEMON),
    "QEMU": (Victim.QEMU, Victim.OTHER_QEMU),
    "host": (Victim.OTHER_HOST, Victim.HOST),
}
_OF_SOURCE = (Victim.RUN, Victim.OTHER_DAEMON, Victim.OTHER_QEMU, Victim.OTHER_HOST)
_ENDINGS = (Victim.COMMAND, Victim.HOST)
_TRIES = 30


def deaths(kind: Kind, victims: tuple[Victim, ...]) -> list[tuple[str, Victim]]:
    """What is dead before the run begins cannot be killed in it; a machine is there where it is."""
    return [
        (step, victim)
        for step in STEPS[kind]
        for victim in victims
        if (kind is not Kind.UNPLANNED or victim not in _OF_SOURCE) and _is_on(kind, victim, step)
    ]


def _is_on(kind: Kind, victim: Victim, step: str) -> bool:
    if victim is Victim.QEMU:
        # One dies once; in the midst of its start or of its end it does in tests of those.
        return step in ("one/db1/post-1", "two/post-1")
    if victim is Victim.OTHER_QEMU and kind is Kind.PLANNED:
        return step.endswith(SHUT_DOWN)
    return True


@dataclass(slots=True)
class Hunt:
    """`left` is who is still to be killed, and at which step."""

    shop: Shop
    there: dict[str, StillMachine]
    kind: Kind
    left: list[tuple[str, Victim]]
    errors: list[dict[str, str]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    _fallen: set[str] = field(default_factory=set)

    def go_through(self) -> None:
        """By the same command again and again; a test that failed is over, and the next is new."""
        for _try in range(_TRIES):
            status = self._typed()
            self._revive()
            if status == 0 and not self.left:
                return
            assert status or self.kind is Kind.TEST, self.left
        stands = self.shop.run("status", "small").event("plan-run")
        raise AssertionError(f"left: {self.left}\nlast: {self.errors[-1:]}\nstands: {stands}")

    def _typed(self) -> int:
        words = ("plan", "run", "small", *WORDS[self.kind])
        with gated(self.shop.south, words) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            for line in process.stdout:
                said = json.loads(line)
                if said["event"] == "error":
                    self.errors.append(said)
                if said["event"] == "plan-question":
                    self._answer(said["step"])
                if said["event"] != "plan-step" or said["state"] != "running":
                    continue
                if self._die(said["step"], process):
                    break
                process.stdin.write(b"\n")
                process.stdin.flush()
            return process.wait(WITHIN)

    def _answer(self, step: str) -> None:
        """A person does, of a script that was cut off: nobody knows how far it came."""
        self.asked.add(step)
        self.shop.run("confirm", "small", "--step", step, "--again")

    def _die(self, step: str, process: Begun) -> bool:
        """Whether the command did, as the last one."""
        due = [victim for known, victim in self.left if known == step]
        self.left = [death for death in self.left if death[0] != step]
        for victim in due:
            if victim is not Victim.COMMAND:
                self._kill(victim)
            if victim in _ENDINGS:
                Working(process, self.shop.journal).kill()
                return True
            self._revive()
        return False

    def _kill(self, victim: Victim) -> None:
        station = self._station(victim)
        match victim:
            case Victim.RUN | Victim.SERVE:
                working = station.running if victim is Victim.RUN else station.serving
                assert working is not None
                assert working.is_at_work
                working.kill()
            case Victim.DAEMON | Victim.OTHER_DAEMON:
                self._fallen.add(station.name)
                station.host.kill()
            case Victim.HOST | Victim.OTHER_HOST:
                self._fallen.add(station.name)
                station.host.cut_power()
                # Nobody waits for the end of what has ended.
                station.kill()
            case _:
                self._end_machines(station)

    def _station(self, victim: Victim) -> Station:
        return self.shop.sites.north if victim in _OF_SOURCE else self.shop.south

    def _end_machines(self, station: Station) -> None:
        on = running_at(station)
        assert on, f"nothing runs at {station.name}"
        for name in on:
            station.host.end_guest(name)

    def _revive(self) -> None:
        """What was killed is started again; in a disaster not what it is about."""
        for name in sorted(self._fallen):
            (north, south) = (self.shop.sites.north, self.shop.south)
            (north if name == north.name else south).host.start()
        self._fallen.clear()
        self.shop.south.work()
        if self.kind is not Kind.UNPLANNED:
            self.shop.sites.north.work()
            self.start_at_home()

    def start_at_home(self) -> None:
        """By its owner, where it may be started."""
        for machine in self._homes():
            with contextlib.suppress(HoldfastError):
                if not machine.is_on():
                    machine.start()

    def _homes(self) -> Iterator[StillMachine]:
        for machine in self.shop.machines.values():
            assert isinstance(machine, StillMachine)
            yield machine

    def assert_succeeded(self, victims: tuple[Victim, ...]) -> None:
        run = self.shop.run("status", "small").event("plan-run")
        assert (run["outcome"], run["failed"]) == ("succeeded", [])
        assert all(one["remedy"] and one["code"] != "unexpected" for one in self.errors)
        # Only of what lost its host.
        assert not self.asked or Victim.HOST in victims

    def assert_moved(self, epochs: dict[str, int], stage: Stage = Stage.FAILED_OVER) -> None:
        """Each of them once, with all that it has written; each script once, in order."""
        told = self.shop.told()
        assert (list(dict.fromkeys(told)) if self.asked else told) == ALL
        assert running_at(self.shop.sites.north) == set()
        for name, machine in self.there.items():
            assert self.shop.epochs()[name] == epochs[name] + 1
            assert self.shop.stage(name) is stage
            if not machine.is_on():
                machine.start()
            _assert_holds(machine)
        assert running_at(self.shop.south) == set(NAMES)

    def assert_tested(self, epochs: dict[str, int]) -> None:
        """Nothing is left of it, and nothing has changed."""
        assert self.shop.epochs() == epochs
        replicas = self.shop.south.replicas
        wait_until(
            lambda: running_at(self.shop.south) == set() and not any(replicas.glob("*/running/*")),
            within=WITHIN,
        )

    def assert_is_home(self) -> None:
        wait_until(lambda: running_at(self.shop.sites.north) == set(NAMES), within=WITHIN)
        assert running_at(self.shop.south) == set()
        for machine in self._homes():
            _assert_holds(machine)


def running_at(station: Station) -> set[str]:
    with station.host.connected() as connection:
        return {each.name() for each in connection.listAllDomains() if each.isActive()}


def _assert_holds(machine: StillMachine) -> None:
    wanted = machine.folder / "wanted"
    wanted.write_bytes(machine.disks["vda"].content)
    words = ["qemu-img", "compare", "-U", "-f", "raw", "-F", "qcow2", str(wanted)]
    done = subprocess.run([*words, str(machine.image("vda")[0])], capture_output=True, check=False)
    wanted.unlink()
    assert done.returncode == 0, f"{machine.name}: {done.stdout!r} {done.stderr!r}"


@pytest.fixture(scope="module")
def hunts(own_hosts: tuple[KvmHost, KvmHost]) -> Iterator[tuple[Shop, dict[str, StillMachine]]]:
    """A shop, and its machines as they are at the other host."""
    north, south = own_hosts
    with (
        two_sites(*own_hosts) as sites,
        Host.open(north.uri) as here,
        Host.open(south.uri) as beyond,
    ):
        homes = {name: StillMachine(north, here, name, {"vda": 2 * MIB}) for name in NAMES}
        there = {name: copy.copy(machine) for name, machine in homes.items()}
        try:
            sites.work()
            for name, machine in homes.items():
                there[name].host, there[name].hypervisor = south, beyond
                there[name].folder.mkdir()
                machine.start()
                machine.write("vda", 64 * KIB, name.encode() * 5000)
                machine.flush("vda")
                sites.north.run("replication", "enable", name, *ENABLED)
            yield Shop(sites, dict(homes)), there
        finally:
            for machine in (*there.values(), *homes.values()):
                machine.remove()


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("victims", HUNTED.values(), ids=HUNTED)
def test_killed_at_each_step_the_run_goes_on_and_does_nothing_twice(
    hunts: tuple[Shop, dict[str, StillMachine]], victims: tuple[Victim, ...], kind: Kind
) -> None:
    shop, there = hunts
    shop.apply(SMALL)
    epochs = shop.epochs()
    hunt = Hunt(shop, there, kind, deaths(kind, victims))
    if kind is Kind.UNPLANNED:
        shop.lose_the_source()
    try:
        hunt.go_through()

        hunt.assert_succeeded(victims)
        if kind is Kind.TEST:
            assert set(shop.told()) == set(ALL)
            hunt.assert_tested(epochs)
        else:
            hunt.assert_moved(epochs)
    finally:
        shop.restore()
        hunt.start_at_home()
    hunt.assert_is_home()


@pytest.mark.parametrize("victims", HUNTED.values(), ids=HUNTED)
def test_killed_at_each_step_a_run_brings_all_of_them_home(
    hunts: tuple[Shop, dict[str, StillMachine]], victims: tuple[Victim, ...]
) -> None:
    shop, there = hunts
    home = sent_away(shop, there)
    epochs = home.epochs()
    homes = {name: one for name, one in shop.machines.items() if isinstance(one, StillMachine)}
    hunt = Hunt(home, homes, Kind.PLANNED, deaths(Kind.PLANNED, victims))

    hunt.go_through()

    hunt.assert_succeeded(victims)
    hunt.assert_moved(epochs, Stage.COMMITTED)
    protect_again(shop, home)


def test_what_came_home_by_hand_is_passed_over(hunts: tuple[Shop, dict[str, StillMachine]]) -> None:
    shop, there = hunts
    home = sent_away(shop, there)
    home.south.run("failback", "db1", "--force", "--shutdown-within", "1s")

    planned = home.run("run", "small", *WORDS[Kind.PLANNED], "--dry-run")
    home.run("run", "small", *WORDS[Kind.PLANNED])

    seen = {one["vm"]: one["already"] for one in planned.events if one["event"] == "plan-machine"}
    assert seen == {"db1": True, "db2": False}
    assert {home.stage(name) for name in NAMES} == {Stage.COMMITTED}
    assert running_at(home.south) == set(NAMES)
    protect_again(shop, home)


def sent_away(shop: Shop, there: dict[str, StillMachine]) -> Shop:
    """All of them, by a run of the plan, which is then at their home as well: the shop from there."""
    shop.apply(SMALL)

    def is_away() -> bool:
        return shop.run("run", "small", *WORDS[Kind.PLANNED], status=None).status == 0

    # One whose QEMU was killed in a test before is compared first; then the same command goes on.
    wait_until(is_away, within=WITHIN)
    for name in NAMES:
        shop.south.run("reprotect", name)
    home = Shop(TwoSites(north=shop.south, south=shop.sites.north), dict(there))
    home.apply(SMALL)
    return home


def protect_again(shop: Shop, home: Shop) -> None:
    for name in NAMES:
        home.south.run("reprotect", name)
        wait_until(partial(shop.is_protected, name), within=WITHIN)
