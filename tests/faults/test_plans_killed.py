"""A run of a plan while libvirtd, the site's process or a QEMU dies at each step that is told."""

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.record import Stage
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.integration.test_plans_on_hosts import ENABLED, GONE, SMALL, SMALL_ALL, WITHIN, Shop

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
NAMES = ("db1", "db2")
STEPS = {f"{group}/{name}/start" for group, name in (("one", "db1"), ("two", "db2"))}
Kill = Callable[[Shop], None]


@pytest.fixture(scope="module")
def shop(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Shop]:
    north, _south = kvm_hosts
    with two_sites(*kvm_hosts) as sites, Host.open(north.uri) as hypervisor:
        machines = {name: StillMachine(north, hypervisor, name, {"vda": 2 * MIB}) for name in NAMES}
        try:
            sites.work()
            for machine in machines.values():
                machine.start()
                sites.north.run("replication", "enable", machine.name, *ENABLED)
            yield Shop(sites, dict(machines))
        finally:
            for machine in machines.values():
                machine.remove()


def _daemon(shop: Shop) -> None:
    shop.south.host.restart()


def _serving(shop: Shop) -> None:
    assert shop.south.serving is not None
    shop.south.serving.kill()
    shop.south.serve()


def _qemu(shop: Shop) -> None:
    for name in shop.running_there() & set(NAMES):
        shop.south.host.kill_guest(name)
        wait_until(partial(_is_off, shop, name), within=WITHIN)


def _is_off(shop: Shop, name: str) -> bool:
    return name not in shop.running_there()


@pytest.mark.parametrize("kill", [_daemon, _serving, _qemu], ids=lambda one: one.__name__[1:])
def test_killed_at_each_step_the_run_goes_on_and_does_nothing_twice(shop: Shop, kill: Kill) -> None:
    shop.apply(SMALL)
    epochs = shop.epochs()
    shop.lose_the_source()
    try:
        met = _run_to_its_end(shop, kill)

        assert met >= STEPS
        run = shop.run("status", "small").event("plan-run")
        assert (run["outcome"], run["failed"]) == ("succeeded", [])
        assert shop.told() == SMALL_ALL
        for name in NAMES:
            assert shop.epochs()[name] == epochs[name] + 1
            assert shop.stage(name) is Stage.FAILED_OVER
    finally:
        shop.restore()
        for machine in shop.machines.values():
            assert isinstance(machine, StillMachine)
            if not machine.is_on():
                machine.start()


def _run_to_its_end(shop: Shop, kill: Kill) -> set[str]:
    """The steps at which something was killed; what stops is gone on with by one command."""
    met: set[str] = set()
    run, resume = ("plan", "run", "small", *GONE), ("plan", "resume", "small")
    for words in (run, *(resume for _try in range(8))):
        working = shop.south.side.start(*words, "--json")
        while working.is_at_work:
            wait_until(partial(_has_more, working, met), within=WITHIN)
            if new := _told(working) - met:
                met |= new
                kill(shop)
        if working.process.wait(WITHIN) == 0:
            return met
        met |= _told(working)
    raise AssertionError("it does not come to its end")


def _has_more(working: Working, met: set[str]) -> bool:
    return not working.is_at_work or bool(_told(working) - met)


def _told(working: Working) -> set[str]:
    lines = [line for line in working.log.read_text().split("\n")[:-1] if line.startswith("{")]
    events = [json.loads(line) for line in lines]
    return {one["step"] for one in events if one["event"] == "plan-step"}
