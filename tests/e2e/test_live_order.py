"""A machine moves to its site and home again while it runs, because the server has ordered it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.office import running_agent
from tests.e2e.two_hosts import Ground, followed_machine, ground_on, with_mounts_of

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def ground(
    kvm_hosts: tuple[KvmHost, KvmHost], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    hosts = dict(zip(("north", "south"), kvm_hosts, strict=True))

    def on_its_host(bench: Bench) -> AbstractContextManager[None]:
        return running_agent(bench, with_mounts_of(hosts[bench.root.name]))

    with ground_on(kvm_hosts, tmp_path_factory.mktemp("live"), agent=on_its_host) as made:
        yield made


def runs_at(hosts: tuple[KvmHost, KvmHost], machine: StillMachine) -> list[bool]:
    return [f"{machine.name}\n" in host.run("virsh", "list", "--name") for host in hosts]


def test_it_runs_all_the_way_there_and_back(
    ground: Ground, kvm_hosts: tuple[KvmHost, KvmHost]
) -> None:
    with followed_machine(ground, kvm_hosts, "lively") as machine:
        seen = []
        for act, arguments in (
            ("planned", {"live": True}),
            ("reprotect", {}),
            ("failback", {"live": True}),
        ):
            told = ground.order(machine.name, act, **arguments)
            assert told["job"]["state"] == "done", (act, told)
            seen.append((act, runs_at(kvm_hosts, machine)))
            if act == "reprotect":
                wait_until(lambda: "south" in ground.sources(machine.name), within=90)

        assert seen == [
            ("planned", [False, True]),
            ("reprotect", [False, True]),
            ("failback", [True, False]),
        ]
        machine.stop()
        assert machine.read("vda") == bytes(machine.disks["vda"].content)
