"""A host and a site of one server: everything by orders, and agents that may be killed."""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.app.replication_process import Work, at_work
from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.replication.replicator_wishes import ask_for_cycle
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.status import State
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
    pytest.mark.timeout(900),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FleetServer]:
    with FleetServer(tmp_path / "server", workflows=False) as running:
        yield running


@pytest.fixture
def office(server: FleetServer, tmp_path: Path) -> Office:
    return new_office(server, tmp_path)


@pytest.fixture
def client(server: FleetServer) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "ordered", {"vda": 8 * MIB})
        try:
            machine.write("vda", 0, b"first" * 1000)
            machine.start()
            yield machine
        finally:
            machine.remove()


@pytest.fixture
def north(office: Office, kvm_host: KvmHost) -> Iterator[Bench]:
    """The machine's host; its scratch folder is one that QEMU reaches there."""
    north = office.machine("north")
    north.environment["HOLDFAST_LIBVIRT"] = kvm_host.uri
    office.register(north)
    scratch = kvm_host.folder / "replication-scratch"
    (north.home / "config.toml").write_text(f'vm-scratch = "{scratch}"\n')
    yield north
    _end_what_is_at_work(north)
    shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture
def south(office: Office) -> Iterator[Bench]:
    south = office.machine("south")
    # Where nothing is: it has no machines of its own.
    south.environment["HOLDFAST_LIBVIRT"] = "test:///default"
    office.register(south)
    yield south
    _end_what_is_at_work(south)


@pytest.fixture
def replicas() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _end_what_is_at_work(bench: Bench) -> None:
    """What a killed agent has left, whatever became of the test."""

    def is_over() -> bool:
        for work in Work:
            found = at_work(str(bench.home), work)
            if found is not None and found.pid:
                os.kill(found.pid, signal.SIGTERM)
        return all(at_work(str(bench.home), work) is None for work in Work)

    wait_until(is_over)


@contextlib.contextmanager
def _killed_agent(bench: Bench) -> Iterator[None]:
    """SIGKILL at the end; what it has started goes on."""
    agent = bench.start("agent", "run")
    try:
        yield
    finally:
        agent.kill()
        agent.communicate()


def _newest(site: Site, machine: StillMachine) -> str:
    facts = site.state(machine.uuid)
    return facts.points[-1].generation if facts and facts.points else ""


def _add_site(client: httpx.Client, office: Office, folder: Path) -> None:
    (south,) = [one for one in office.machines() if one["name"] == "south"]
    wanted = {
        "name": "south",
        "machine": south["id"],
        "folder": str(folder),
        "address": f"127.0.0.1:{free_port()}",
    }
    client.post("/api/v1/sites", json=wanted).raise_for_status()


def _job(client: httpx.Client, job: str) -> dict[str, Any]:
    return dict(client.get(f"/api/v1/jobs/{job}").raise_for_status().json())


def _done(client: httpx.Client, office: Office, *order: str) -> dict[str, str]:
    """An order for the host, and the steps it went through."""
    said = office.admin.run("jobs", "run", "north", *order, "--json")
    job = str(said.event("job")["id"])

    def is_over() -> bool:
        return _job(client, job)["job"]["state"] not in ("waiting", "running")

    wait_until(is_over, within=180)
    shown = _job(client, job)
    assert shown["job"]["state"] == "done", shown
    return {step["name"]: step["state"] for step in shown["steps"]}


def _told(client: httpx.Client) -> list[dict[str, Any]]:
    return list(client.get("/api/v1/replications").raise_for_status().json()["items"])


def _is_told(client: httpx.Client, state: State) -> bool:
    return [one["state"] for one in _told(client)] == [state.value]


def test_machine_is_replicated_by_orders_and_killed_agents_cost_nothing(
    client: httpx.Client,
    office: Office,
    north: Bench,
    south: Bench,
    machine: StillMachine,
    replicas: Path,
) -> None:
    _add_site(client, office, replicas)
    name = ("--vm", machine.name)
    site = Site(replicas, SystemClock())

    with running_agent(south):
        wait_until(lambda: at_work(str(south.home), Work.SERVE))
        with _killed_agent(north):
            steps = _done(
                client,
                office,
                *(
                    "replicate",
                    *name,
                    "--to",
                    "south",
                    "--every",
                    "30s",
                    "--app-every",
                    "0",
                    "--one-way",
                ),
            )
            wait_until(lambda: at_work(str(north.home), Work.RUN))
        left = at_work(str(north.home), Work.RUN)
        before = _newest(site, machine)
        ask_for_cycle(SourceFolder(str(north.home), machine.uuid), SystemClock())
        wait_until(lambda: _newest(site, machine) != before)
        with running_agent(north):
            wait_until(lambda: _is_told(client, State.REPLICATING))
            found = at_work(str(north.home), Work.RUN)
            _done(client, office, "replication-pause", *name)
            wait_until(lambda: _is_told(client, State.PAUSED))
            _done(client, office, "replication-resume", *name)
            wait_until(lambda: _is_told(client, State.REPLICATING))
            _done(client, office, "replication-disable", *name, "--pin", office.admin.pin())
            wait_until(lambda: not _told(client))

    assert set(steps.values()) == {"done", "skipped"}
    assert list(steps) == [
        *("preflight", "way", "site", "way-back", "extension", "guest", "settings", "autostart"),
        *("initial-copy", "first-cycle"),
    ]
    assert left is not None
    assert left == found
    assert site.state(machine.uuid) is None
    assert list_checkpoints(machine.domain) == []
    assert all(at_work(str(one.home), work) is None for one in (north, south) for work in Work)
