"""`holdfast jobs` against a real server, with a machine that does what it is told."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.app.control.plane import Plane
from holdfast.app.login_file import Login, write_login
from holdfast.base.clock import SystemClock
from holdfast.testing.fleet import FleetServer
from holdfast.testing.planes import Registered, add_machine, add_vault, make_plane
from tests.e2e.conftest import Bench

pytestmark = [pytest.mark.real, pytest.mark.slow]
V1 = "/api/v1/agent"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    with FleetServer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def plane(server: FleetServer) -> Iterator[Plane]:
    """The server's own state, for what registration would have done."""
    plane = make_plane(server.home, clock=SystemClock())
    yield plane
    plane.database.close()


@pytest.fixture
def machine(plane: Plane, request: pytest.FixtureRequest) -> Registered:
    name = f"m{abs(hash(request.node.name))}"
    return add_machine(plane, add_vault(plane, name), name)


@pytest.fixture
def agent(server: FleetServer, machine: Registered, tmp_path: Path) -> Iterator[httpx.Client]:
    certificate, key = tmp_path / "machine.pem", tmp_path / "machine.key"
    certificate.write_text(machine.certificate)
    key.write_text(machine.key)
    with server.client(certificate=certificate, key=key) as client:
        yield client


@pytest.fixture
def logged_in(empty: Bench, server: FleetServer) -> Bench:
    login = Login(
        server=server.url,
        ca_pem=server.ca_file.read_text(),
        name="admin",
        token=server.admin_token,
        expires_at=None,
    )
    write_login(str(empty.home), login)
    return empty


def _report(number: int, state: str, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return {
        "number": number,
        "kind": "check",
        "origin": "person",
        "source": "check",
        "state": state,
        "created_at": now,
        "started_at": now,
        "lines": [{"at": now, "level": "info", "text": f"now {state}"}],
        "steps": [{"number": 1, "name": "structure", "state": "done"}],
        **more,
    }


def _work(agent: httpx.Client, end: str, **more: Any) -> None:
    """Take one command and do it, as an agent would."""
    commands: list[Any] = []
    while not commands:
        commands = agent.get(f"{V1}/commands", params={"wait": 30}).json()["commands"]
    for command in commands:
        agent.post(f"{V1}/commands/{command['number']}/taken").raise_for_status()
        job = f"{V1}/jobs/{command['job_id']}"
        progress = {"bytes_done": 1, "bytes_total": 4}
        agent.put(job, json=_report(1, "running", progress=progress)).raise_for_status()
        agent.put(job, json=_report(2, end, **more)).raise_for_status()


@pytest.mark.parametrize(
    ("end", "status", "error"),
    [
        ("done", 0, None),
        ("warnings", 3, None),
        ("failed", 1, {"code": "quota-exceeded", "message": "no room", "remedy": "make room"}),
    ],
)
def test_ordered_job_is_followed_to_its_end(
    logged_in: Bench, agent: httpx.Client, machine: Registered, end: str, status: int, error: Any
) -> None:
    working = threading.Thread(target=_work, args=(agent, end), kwargs={"error": error})
    working.start()

    said = logged_in.run("jobs", "run", machine.id, "check", "--follow", "--json", status=status)
    working.join()

    detail = said.event("job-detail")
    lines = [event["text"] for event in said.events if event["event"] == "job-line"]
    assert (detail["job"]["state"], detail["error"]) == (end, error)
    assert lines == ["now running", f"now {end}"]
    listed = logged_in.run("jobs", "--machine", machine.id, "--json").events
    assert [job["id"] for job in listed] == [detail["job"]["id"]]


def test_job_nobody_took_is_cancelled_and_repeated(logged_in: Bench, machine: Registered) -> None:
    made = logged_in.run("jobs", "run", machine.id, "check", "--json").event("job")

    cancelled = logged_in.run("jobs", "cancel", made["id"][:6], "--json").event("job")
    again = logged_in.run("jobs", "retry", made["id"], "--json").event("job")
    refused = logged_in.run("jobs", "cancel", made["id"], "--json", status=1).event("error")

    assert (made["state"], cancelled["state"], again["state"]) == (
        *("waiting", "cancelled"),
        "waiting",
    )
    assert "is over" in refused["message"]


def test_protection_is_ordered_with_its_settings(logged_in: Bench, machine: Registered) -> None:
    words = ("--tracking", "overlay", "--may-freeze", "--freeze-mounts", "all")

    said = logged_in.run("jobs", "run", machine.id, "protect", "--vm", "db", *words, "--json")

    job = logged_in.run("jobs", "show", said.event("job")["id"], "--json").event("job-detail")
    assert job["arguments"] == {
        "vm": "db",
        "tracking": "overlay",
        "partly": False,
        "never_freeze": False,
        "freeze_mounts": [],
    }


def test_machine_is_restored_by_order_as_by_the_command(
    logged_in: Bench, machine: Registered
) -> None:
    order = ("jobs", "run", machine.id, "vm-restore", "--vm", "db", "--json")
    words = ("--name", "db-back", "--network", "lan=none", "--disk", "vda", "--format", "raw")

    said = logged_in.run(*order, "--point", "latest", *words, "--start")

    job = logged_in.run("jobs", "show", said.event("job")["id"], "--json").event("job-detail")
    assert job["arguments"] == {
        "vm": "db",
        "point": "latest",
        "mode": "new",
        "name": "db-back",
        "networks": ["lan=none"],
        "disks": ["vda"],
        "format": "raw",
        "start": True,
    }


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--in-place",), 2, "--point"),
        (("--point", "latest", "--in-place", "--only-disks"), 2, "exclude each other"),
        (("--point", "latest", "--in-place", "--name", "other"), None, "name has no meaning"),
        (("--point", "latest", "--network", "lan"), None, "OLD=NEW"),
        (("--point", "latest", "--pool", "here"), None, "whole path"),
    ],
)
def test_restore_that_could_not_be_done_so_is_not_ordered(
    logged_in: Bench,
    machine: Registered,
    words: tuple[str, ...],
    *,
    status: int | None,
    said: str,
) -> None:
    order = ("jobs", "run", machine.id, "vm-restore", "--vm", "db", "--json", *words)

    told = logged_in.run(*order, status=status).event("error")

    assert said in told["message"]
    assert logged_in.run("jobs", "--machine", machine.id, "--json").events == []


def test_what_is_typed_wrong_is_said_before_anything_happens(
    logged_in: Bench, machine: Registered
) -> None:
    said = logged_in.run("jobs", "run", machine.id, "backup", "--json", status=None)

    assert "paths" in said.event("error")["message"]
    assert logged_in.run("jobs", "--machine", machine.id, "--json").events == []
