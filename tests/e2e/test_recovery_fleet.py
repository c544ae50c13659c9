"""Failover by orders of a server, and without it: what it shows, what its kit makes possible."""

import contextlib
import itertools
import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.replication_process import Work, at_work
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import list_domains
from holdfast.testing.fleet import FleetServer
from holdfast.testing.hosts import KvmHost
from holdfast.testing.ports import free_port
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.office import Office, new_office, running_agent

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.xdist_group("recovery"),
    pytest.mark.timeout(900),
]
# With warnings, when a guest had to be switched off.
_WELL = ("done", "warnings")
_numbers = itertools.count(1)
_PASSPHRASE = "the kit's own passphrase, long enough"


class Ground:
    """A server, two hosts that are each other's site, and a machine of the first that is followed."""

    def __init__(self, server: FleetServer, office: Office, hosts: tuple[KvmHost, KvmHost]) -> None:
        self.server, self.office = server, office
        self.north = self._host("north", hosts[0])
        self.south = self._host("south", hosts[1])
        self.sealed = office.root / "kit.passphrase"
        self.sealed.write_text(_PASSPHRASE)
        self.sealed.chmod(0o600)

    def _host(self, name: str, host: KvmHost) -> Bench:
        bench = self.office.machine(name)
        bench.environment["HOLDFAST_LIBVIRT"] = host.uri
        self.office.register(bench)
        scratch = host.folder / f"scratch-{name}"
        (bench.home / "config.toml").write_text(f'vm-scratch = "{scratch}"\n')
        where = ("--machine", self.office.of(name), "--folder", host.folder / f"replicas-{name}")
        address = ("--address", f"127.0.0.1:{free_port()}")
        self.office.admin.run("site", "add", name, *where, *address)
        return bench

    def get(self, path: str) -> dict[str, Any]:
        with self.server.client() as client:
            return dict(client.get(f"/api/v1{path}").raise_for_status().json())

    def order(self, machine: str, act: str, **arguments: Any) -> dict[str, Any]:
        """An act of recovery at whichever host, to its end."""
        with self.server.client() as client:
            told = {"arguments": arguments}
            answer = client.post(f"/api/v1/recovery/{machine}/{act}", json=told)
            assert answer.is_success, answer.text
        return self.over(answer.json()["id"])

    def over(self, job: str) -> dict[str, Any]:
        def is_over() -> bool:
            return self.get(f"/jobs/{job}")["job"]["state"] not in ("waiting", "running")

        wait_until(is_over, within=240)
        return self.get(f"/jobs/{job}")

    def recovery(self, machine: str) -> dict[str, Any]:
        return self.get(f"/recovery/{machine}")

    def sources(self, machine: str) -> list[str]:
        """Hosts that replicate it, as the server knows."""
        listed = self.get("/replications")["items"]
        return [one["machine"] for one in listed if one["name"] == machine]


@pytest.fixture(scope="module")
def ground(
    tmp_path_factory: pytest.TempPathFactory, kvm_hosts: tuple[KvmHost, KvmHost]
) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("recovery")
    with FleetServer(folder / "server", workflows=False) as server, contextlib.ExitStack() as stack:
        found = Ground(server, new_office(server, folder), kvm_hosts)
        stack.callback(_remove, kvm_hosts)
        for bench in (found.south, found.north):
            stack.callback(_end_what_is_at_work, bench)
            stack.enter_context(running_agent(bench))
        for home in (str(found.south.home), str(found.north.home)):
            wait_until(partial(at_work, home, Work.SERVE))
        yield found


@pytest.fixture
def machine(ground: Ground, kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[StillMachine]:
    with Host.open(kvm_hosts[0].uri) as hypervisor:
        machine = StillMachine(
            kvm_hosts[0], hypervisor, f"carried{next(_numbers)}", {"vda": 8 * MIB}
        )
        try:
            machine.write("vda", 0, b"first" * 1000)
            machine.start()
            said = ground.office.admin.run(
                *("jobs", "run", "north", "replicate", "--vm", machine.name, "--to", "south"),
                *("--every", "30s", "--app-every", "0", "--json"),
            )
            shown = ground.over(str(said.event("job")["id"]))
            assert shown["job"]["state"] == "done", shown
            yield machine
        finally:
            _remove_everywhere(kvm_hosts[1], machine)


def _remove_everywhere(south: KvmHost, machine: StillMachine) -> None:
    machine.remove()
    with Host.open(south.uri) as hypervisor:
        for domain in list_domains(hypervisor):
            if domain.name == machine.name:
                if domain.is_active():
                    south.run("virsh", "destroy", domain.name)
                south.run("virsh", "undefine", domain.name, "--checkpoints-metadata", "--nvram")


def _remove(hosts: tuple[KvmHost, KvmHost]) -> None:
    for host in hosts:
        for path in [*host.folder.glob("replicas-*"), *host.folder.glob("scratch-*")]:
            shutil.rmtree(path, ignore_errors=True)


def _end_what_is_at_work(bench: Bench) -> None:
    def is_over() -> bool:
        for work in Work:
            found = at_work(str(bench.home), work)
            if found is not None and found.pid:
                os.kill(found.pid, signal.SIGTERM)
        return all(at_work(str(bench.home), work) is None for work in Work)

    wait_until(is_over)


def _runs(host: KvmHost, machine: StillMachine) -> bool:
    with Host.open(host.uri) as hypervisor:
        return any(
            domain.uuid == machine.uuid and domain.is_active()
            for domain in list_domains(hypervisor)
        )


def test_machine_fails_over_by_orders_and_when_the_server_is_gone(
    ground: Ground, machine: StillMachine, kvm_hosts: tuple[KvmHost, KvmHost], tmp_path: Path
) -> None:
    north, south = kvm_hosts
    server = Bench(ground.server.home, {**ground.south.environment})
    server.environment["HOLDFAST_HOME"] = str(ground.server.home)
    kit, sealed = tmp_path / "kit", ("--sealed-with", ground.sealed)

    planned = ground.order(machine.name, "planned", force=True, shutdown_within="2s")
    assert planned["job"]["state"] in _WELL, planned
    wait_until(lambda: ground.recovery(machine.name)["stage"] == "failed-over")
    there = ground.recovery(machine.name)
    ran_there = _runs(south, machine) and not _runs(north, machine)
    undone = ground.order(machine.name, "undo", discard_changes=True)
    assert undone["job"]["state"] in _WELL, undone
    wait_until(lambda: ground.recovery(machine.name)["stage"] == "protected", within=90)
    wait_until(lambda: _runs(north, machine))
    sources = ground.sources(machine.name)

    server.run("recovery-kit", "export", kit, *sealed, "--contact", "Ada, room 4")
    ground.server.kill()
    shutil.rmtree(ground.server.state)
    shown = server.run("recovery-kit", "show", kit, *sealed, "--to", tmp_path / "open", "--json")
    told = shown.event("recovery-kit-shown")["kit"]
    carried = next(one for one in told["machines"] if one["vm"] == machine.uuid)
    north.run("virsh", "destroy", machine.name)
    for step in carried["steps"]:
        if not step.get("is_optional"):
            assert carried["site_host"] == step["host"]
            said = ground.south.run(*step["words"][1:], status=None)
            assert said.status in (0, 3), said
    lives = _runs(south, machine)
    server.run("server", "import", tmp_path / "open" / "server.state", *sealed)
    ground.server.start()
    wait_until(lambda: ground.recovery(machine.name)["stage"] == "committed", within=120)
    after = ground.recovery(machine.name)

    assert (there["runs_on"], there["is_split"]) == ("south", False)
    assert ran_there
    assert sources == ["north"], "it has not moved"
    assert told["contacts"] == ["Ada, room 4"]
    assert lives
    assert (after["runs_on"], ground.sources(machine.name)) == ("south", ["north"])


def test_machine_comes_home_by_orders(
    ground: Ground, machine: StillMachine, kvm_hosts: tuple[KvmHost, KvmHost]
) -> None:
    north, south = kvm_hosts
    hurried = {"force": True, "shutdown_within": "2s"}
    went = ground.order(machine.name, "planned", **hurried)
    wait_until(lambda: ground.recovery(machine.name)["stage"] == "failed-over")

    said = ground.office.admin.run("failover", "order", machine.name, "reprotect", "--json")
    followed = ground.over(str(said.event("job")["id"]))
    assert followed["job"]["state"] in _WELL, followed
    listed = ground.office.admin.run("failover", "status", "--all", "--json").events
    wait_until(lambda: ground.recovery(machine.name)["replicated_to"] == ["north"])
    reversed_ = ground.recovery(machine.name)
    came = ground.order(machine.name, "failback", **hurried)
    assert came["job"]["state"] in _WELL, came

    wait_until(lambda: _runs(north, machine) and not _runs(south, machine))
    wait_until(lambda: ground.recovery(machine.name)["runs_on"] == "north")
    assert went["job"]["machine"] == "south"
    assert machine.uuid in {event["record"]["vm"] for event in listed}
    assert (reversed_["stage"], reversed_["runs_on"]) == ("protected-in-reverse", "south")
    assert came["job"]["machine"] == "north"
