"""A host's machines from afar: protected by an order, backed up by a policy, let go again."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.agent.journal import Journal
from holdfast.agent.place import Place
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_domain
from holdfast.hypervisor.states import State
from holdfast.testing.fleet import FleetServer
from holdfast.testing.guests import Guest
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.office import Office, new_office, running_agent
from tests.machines_bench import NewGuest

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
STEPS = ("preflight", "agent", "extension", "first-backup", "settings")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FleetServer]:
    with FleetServer(tmp_path / "server", workflows=False) as running:
        yield running


@pytest.fixture
def office(server: FleetServer, tmp_path: Path) -> Office:
    return new_office(server, tmp_path)


@pytest.fixture
def jobs(server: FleetServer) -> Iterator["Jobs"]:
    with server.client() as client:
        yield Jobs(client)


class Jobs:
    """Those of the server, asked for again and again."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def show(self, job: str) -> dict[str, Any]:
        return dict(self._client.get(f"/api/v1/jobs/{job}").raise_for_status().json())

    def looked_inside(self, machine: str, **more: str) -> dict[str, Any]:
        """The disks of the newest point of a host, as an agent sees them; with the point's id."""
        points = f"/api/v1/machines/{machine}/points"
        newest = self._client.get(points).raise_for_status().json()["items"][0]["id"]
        found = self._client.get(f"{points}/{newest}/volumes", params=more)
        return dict(found.raise_for_status().json())

    def unlocked(self, machine: str, reader: str, passphrase: str) -> str:
        """What is shown to read a host's points through another; once that one listens."""

        def asked() -> httpx.Response:
            body = {"reader": reader, "passphrase": passphrase}
            return self._client.post(f"/api/v1/machines/{machine}/unlocks", json=body)

        wait_until(lambda: asked().is_success, within=60)
        return str(asked().raise_for_status().json()["id"])

    def restored(self, machine: str, **wanted: Any) -> str:
        answer = self._client.post(f"/api/v1/machines/{machine}/vm-restores", json=wanted)
        return str(answer.raise_for_status().json()["id"])

    def steps(self, job: str) -> dict[str, str]:
        return {step["name"]: step["state"] for step in self.show(job)["steps"]}

    def ended(self, job: str, state: str = "done") -> dict[str, Any]:
        """What is known of a job that is over, as soon as it is."""
        going = ("waiting", "running")
        wait_until(lambda: self.show(job)["job"]["state"] not in going, within=240)
        found = self.show(job)
        lines = self._client.get(f"/api/v1/jobs/{job}/lines").json()["items"]
        assert found["job"]["state"] == state, [line["text"] for line in lines]
        return found

    def scheduled(self, vm: str) -> list[str]:
        """Backups that a policy brought and that are done."""
        asked = {"kind": "backup", "state": "done"}
        found = self._client.get("/api/v1/jobs", params=asked).raise_for_status().json()["items"]
        wanted = (f"vm:{vm}", "schedule")
        return [str(one["id"]) for one in found if (one["source"], one["origin"]) == wanted]


@pytest.fixture
def guest(new_guest: NewGuest) -> Guest:
    guest = new_guest()
    guest.start()
    return guest


@pytest.fixture
def kvm(office: Office, guest: Guest) -> Iterator[Bench]:
    """The guest's host, registered; its scratch folder is one that QEMU reaches there."""
    kvm = office.machine("kvm")
    kvm.environment["HOLDFAST_LIBVIRT"] = guest.host.uri
    office.register(kvm)
    scratch = guest.host.folder / "policy-scratch"
    (kvm.home / "config.toml").write_text(f'vm-scratch = "{scratch}"\n')
    yield kvm
    shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _killed_agent(kvm: Bench) -> Iterator[None]:
    """It is killed at the end; what it began works on."""
    agent = kvm.start("agent", "run")
    try:
        yield
    except BaseException:
        # So that nothing works on.
        agent.terminate()
        agent.communicate(timeout=90)
        raise
    agent.kill()
    agent.communicate()


def _set_policy(office: Office, **more: Any) -> None:
    """So seldom that nothing is due while a test lasts but what it makes so."""
    file = office.root / "policy.json"
    policy = {"name": "often", "schedule": "every 31d", "spread": "0s", "retention": ["daily 7"]}
    file.write_text(json.dumps({**policy, **more}))
    office.admin.run("vault", "policy", "set", file, "--on", office.name)


def _order(office: Office, kind: str, vm: str) -> str:
    said = office.admin.run("jobs", "run", "kvm", kind, "--vm", vm, "--json")
    return str(said.event("job")["id"])


def _make_due(kvm: Bench, assignment: str, vm: str) -> None:
    """As if the machine had been one of the policy's before the newest moment of its schedule."""
    journal = Journal(Place(str(kvm.home)).journal, warn=print)
    for about in (assignment, f"{assignment} {vm}"):
        journal.remember(f"since:{about}", (datetime.now(UTC) - timedelta(days=32)).isoformat())
    journal.close()


def test_machine_is_protected_backed_up_and_let_go_from_afar(
    office: Office, jobs: Jobs, kvm: Bench, guest: Guest
) -> None:
    # Nothing may be sent yet: the work stands still where it is.
    _set_policy(office, bandwidth={"default": "0"})
    attached = office.admin.run(
        *("vault", "policy", "attach", "often", "--all-vms", "--json"),
        *("--on", office.name, "--machine", "kvm"),
    ).event("server-record")["record"]
    # What it learned so, the next one knows from its first moment on.
    kvm.run("agent", "run", "--once")

    with _killed_agent(kvm):
        protect = _order(office, "protect", guest.name)
        wait_until(lambda: jobs.steps(protect).get("first-backup") == "running", within=120)
    before = jobs.steps(protect)
    _set_policy(office)
    _make_due(kvm, attached["id"], guest.name)
    with running_agent(kvm):
        protected = jobs.ended(protect)
        wait_until(lambda: jobs.scheduled(guest.name), within=120)
        (scheduled,) = jobs.scheduled(guest.name)
        ordered = _order(office, "backup", guest.name)
        backups = [jobs.ended(job)["result"] for job in (scheduled, ordered)]
        wait_until(lambda: _listed(office, guest.name).get("point_class"), within=120)
        listed = _listed(office, guest.name)
        (machine,) = (one["id"] for one in office.machines() if one["name"] == "kvm")
        seen, pool = jobs.looked_inside(machine), office.root / "pool"
        wanted = {"point": seen["point"], "vm": guest.name, "mode": "disks", "pool": str(pool)}
        restored = jobs.ended(jobs.restored(machine, **wanted))["result"]
        anew = {**wanted, "mode": "new", "name": f"{guest.name}-back", "start": True}
        with _taken_away_again(guest, anew["name"]):
            # As the console orders it, to its end: a second machine, which runs. It is told that
            # its kernel is a file of the host.
            jobs.ended(jobs.restored(machine, **anew), "warnings")
            came_back = _state_of(guest, anew["name"])
        jobs.ended(_order(office, "unprotect", guest.name))

    assert list(before) == list(STEPS[:4])
    assert {one["name"]: one["state"] for one in protected["steps"]} == dict.fromkeys(STEPS, "done")
    assert [[disk["rung"] for disk in one["disks"]] for one in backups] == [["bitmap"] * 2] * 2
    assert "crash" not in {one["consistency"] for one in backups}
    assert (listed["state"], listed["protectable"]) == ("running", "whole")
    assert came_back == State.RUNNING
    assert (seen["vm"], seen["uuid"], len(seen["disks"])) == (guest.name, guest.uuid, 2)
    assert all(Path(disk["path"]).is_relative_to(pool) for disk in restored["disks"])
    assert [disk["target"] for disk in restored["disks"]] == [
        disk["target"] for disk in seen["disks"]
    ]
    with Host.open(guest.host.uri) as host:
        assert list_checkpoints(find_domain(host, guest.uuid)) == []
    assert os.listdir(kvm.home / "agent" / "running") == []


def test_machine_of_a_lost_host_comes_back_on_another_with_its_passphrase(
    office: Office, jobs: Jobs, kvm: Bench, guest: Guest
) -> None:
    with running_agent(kvm):
        jobs.ended(_order(office, "protect", guest.name))
    # From here on nobody answers for that host.
    secret = kvm.passphrase_file.read_text()
    spare = office.machine("spare")
    spare.environment["HOLDFAST_LIBVIRT"] = guest.host.uri
    office.register(spare)
    ids = {one["name"]: one["id"] for one in office.machines()}
    with running_agent(spare), _taken_away_again(guest, f"{guest.name}-back"):
        unlock = jobs.unlocked(ids["kvm"], ids["spare"], secret)
        seen = jobs.looked_inside(ids["kvm"], unlock=unlock)
        pool = office.root / "spare-pool"
        wanted = {"point": seen["point"], "vm": guest.name, "mode": "new", "pool": str(pool)}
        anew = {**wanted, "name": f"{guest.name}-back", "start": True, "unlock": unlock}
        restored = jobs.ended(jobs.restored(ids["kvm"], **anew), "warnings")
        came_back = _state_of(guest, anew["name"])

    assert restored["job"]["machine"] == "spare"
    assert came_back == State.RUNNING
    assert secret not in json.dumps(restored)


def _state_of(guest: Guest, name: str) -> State:
    with Host.open(guest.host.uri) as host:
        return find_domain(host, name).standing().state


@contextlib.contextmanager
def _taken_away_again(guest: Guest, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        with guest.host.connected() as connection:
            for domain in connection.listAllDomains():
                if domain.name() == name:
                    domain.destroy()
                    domain.undefine()


def _listed(office: Office, vm: str) -> dict[str, Any]:
    said = office.admin.run("vm", "list", "--machine", "kvm", "--json").events
    return next((dict(one["record"]) for one in said if one["record"]["name"] == vm), {})
