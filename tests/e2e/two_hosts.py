"""A server, two hosts that are each other's site, and machines of the first that are followed."""

import contextlib
import itertools
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from holdfast.app.replication_process import Work, at_work
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, list_domains
from holdfast.testing.fleet import FleetServer
from holdfast.testing.hosts import KvmHost
from holdfast.testing.ports import free_port
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.office import Office, new_office, running_agent

_numbers = itertools.count(1)


class Ground:
    """A server, two hosts that are each other's site, and a machine of the first that is followed."""

    def __init__(self, server: FleetServer, office: Office, hosts: tuple[KvmHost, KvmHost]) -> None:
        self.server, self.office = server, office
        self.north = self._host("north", hosts[0])
        self.south = self._host("south", hosts[1])

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

    def await_needs(self, file: Path, *, within: float = 90) -> None:
        """Until the hosts have told of all that the plan needs there."""

        def is_told() -> bool:
            with self.server.client() as client:
                told = {"text": file.read_text()}
                path = f"/api/v1/vaults/{self.office.name}/recovery-plans/check"
                seen = client.post(path, json=told)
                return not seen.raise_for_status().json()["missing"]

        wait_until(is_told, within=within)

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


@contextlib.contextmanager
def ground_on(
    hosts: tuple[KvmHost, KvmHost],
    folder: Path,
    *,
    console: bool = False,
    workflows: bool = False,
    agent: Callable[[Bench], AbstractContextManager[None]] = running_agent,
) -> Iterator[Ground]:
    """Server and agents run; nothing of them and of what they made is left behind."""
    with (
        FleetServer(folder / "server", workflows=workflows, console=console) as server,
        contextlib.ExitStack() as stack,
    ):
        found = Ground(server, new_office(server, folder), hosts)
        stack.callback(_remove, hosts)
        for bench in (found.south, found.north):
            stack.callback(_end_what_is_at_work, bench)
            stack.enter_context(agent(bench))
        for home in (str(found.south.home), str(found.north.home)):
            wait_until(partial(at_work, home, Work.SERVE))
        yield found


def with_mounts_of(host: KvmHost) -> tuple[str, ...]:
    """Before a command: it becomes that, sees the /run of that host, and our processes.

    What goes by sockets there its QEMU finds in the /run of its host alone.
    """
    enter = ("nsenter", f"--target={host.pid}", "--mount", "--", "unshare", "--mount")
    return (*enter, "sh", "-ec", 'mount -t proc proc /proc; exec "$@"', "sh")


@contextlib.contextmanager
def followed_machine(
    ground: Ground, hosts: tuple[KvmHost, KvmHost], name: str = "carried"
) -> Iterator[StillMachine]:
    """A machine of the first host that the second one has a replica of."""
    with Host.open(hosts[0].uri) as hypervisor:
        machine = StillMachine(hosts[0], hypervisor, f"{name}{next(_numbers)}", {"vda": 8 * MIB})
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
            _remove_everywhere(hosts[1], machine)


def _remove_everywhere(south: KvmHost, machine: StillMachine) -> None:
    machine.remove()
    with Host.open(south.uri) as hypervisor:
        for domain in list_domains(hypervisor):
            if domain.name == machine.name:
                _remove_domain(south, domain)


def _remove(hosts: tuple[KvmHost, KvmHost]) -> None:
    for host in hosts:
        with Host.open(host.uri) as hypervisor:
            for domain in list_domains(hypervisor):
                # What a test that failed had started from a replica.
                if str(host.folder / "replicas-") in domain.xml():
                    _remove_domain(host, domain)
        for path in [*host.folder.glob("replicas-*"), *host.folder.glob("scratch-*")]:
            shutil.rmtree(path, ignore_errors=True)


def _remove_domain(host: KvmHost, domain: Domain) -> None:
    if domain.is_active():
        host.run("virsh", "destroy", domain.name)
    host.run("virsh", "undefine", domain.name, "--checkpoints-metadata", "--nvram")


def _end_what_is_at_work(bench: Bench) -> None:
    def is_over() -> bool:
        for work in Work:
            found = at_work(str(bench.home), work)
            if found is not None and found.pid:
                os.kill(found.pid, signal.SIGTERM)
        return all(at_work(str(bench.home), work) is None for work in Work)

    wait_until(is_over)
