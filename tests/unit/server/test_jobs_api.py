"""Jobs over the API: agents report, people look, order and stop."""

import threading
import time
from typing import Any

import pytest

from holdfast.app.control import job_orders
from holdfast.app.control.plane import Plane
from holdfast.catalog.tables import Machine
from holdfast.testing.planes import (
    Registered,
    Someone,
    client_of,
)

V1 = "/api/v1"
ORDER = {"kind": "backup", "arguments": {"paths": ["/etc"]}}


def _report(number: int, state: str) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "backup",
        "origin": "schedule",
        "source": "daily",
        "state": state,
        "created_at": "2026-01-01T12:00:00Z",
        "lines": [{"at": f"2026-01-01T12:00:0{number}Z", "level": "info", "text": state}],
        "steps": [{"number": 1, "name": "scan", "state": "running"}],
    }


def test_report_of_an_agent_is_what_people_see(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    agent = client_of(plane, machine=machine.fingerprint)
    person = client_of(plane, token=admin.token)

    reply = agent.put(f"{V1}/agent/jobs/abcd1234", json=_report(1, "running"))

    told = person.get(f"{V1}/jobs/abcd1234").json()
    lines = person.get(f"{V1}/jobs/abcd1234/lines").json()
    assert reply.json() == {"number": 1, "cancel": False}
    assert (told["job"]["state"], told["job"]["machine"]) == ("running", "alpha")
    assert [step["name"] for step in told["steps"]] == ["scan"]
    assert [line["text"] for line in lines["items"]] == ["running"]


def test_heartbeat_is_answered(plane: Plane, machine: Registered) -> None:
    agent = client_of(plane, machine=machine.fingerprint)
    told = {
        "at": "2026-01-01T12:00:00Z",
        "name": "alpha",
        "agent_version": "1",
        "facts": {"disk": 1},
        "running": [],
        "assignments_etag": "",
    }

    reply = agent.post(f"{V1}/agent/heartbeat", json=told)

    assert reply.json()["next_seconds"] == 30
    with plane.database.read() as db:
        row = db.get(Machine, machine.id)
    assert row is not None
    assert row.facts["disk"] == 1


def test_waiting_agent_gets_a_command_as_soon_as_it_is_there(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    agent = client_of(plane, machine=machine.fingerprint)
    replies: list[Any] = []
    polling = threading.Thread(
        target=lambda: replies.append(agent.get(f"{V1}/agent/commands?wait=60").json())
    )
    began = time.monotonic()

    polling.start()
    job = job_orders.order_job(plane, admin.actor, machine.id, kind="check", arguments={})
    polling.join()

    (command,) = replies[0]["commands"]
    assert (command["job_id"], command["kind"]) == (job.id, "check")
    # It did not just come to the end of its waiting.
    assert time.monotonic() - began < 50


def test_command_that_was_lost_comes_again_when_the_waiting_ends(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    agent = client_of(plane, machine=machine.fingerprint)
    job_orders.order_job(plane, admin.actor, machine.id, kind="check", arguments={})
    (known,) = agent.get(f"{V1}/agent/commands").json()["commands"]

    reply = agent.get(f"{V1}/agent/commands?after={known['number']}&wait=0.1").json()

    assert reply["commands"] == [known]


def test_order_cancel_and_retry(plane: Plane, machine: Registered, admin: Someone) -> None:
    person = client_of(plane, token=admin.token)

    made = person.post(f"{V1}/machines/{machine.id}/jobs", json=ORDER)
    cancelled = person.post(f"{V1}/jobs/{made.json()['id']}/cancel")
    again = person.post(f"{V1}/jobs/{made.json()['id']}/retry")
    busy = person.post(f"{V1}/machines/{machine.id}/jobs", json=ORDER)

    assert [one.status_code for one in (made, cancelled, again, busy)] == [201, 200, 201, 201]
    states = [one.json()["state"] for one in (made, cancelled, again, busy)]
    assert states == ["waiting", "cancelled", "waiting", "skipped"]


def test_list_is_filtered_and_paged(plane: Plane, machine: Registered, admin: Someone) -> None:
    person = client_of(plane, token=admin.token)
    for kind in ("check", "doctor", "scrub"):
        job_orders.order_job(plane, admin.actor, machine.id, kind=kind, arguments={})

    chosen = person.get(f"{V1}/jobs?kind=check&kind=scrub&state=waiting").json()
    first = person.get(f"{V1}/jobs?limit=2").json()
    rest = person.get(f"{V1}/jobs", params={"limit": 2, "after": first["next"]}).json()
    none = person.get(f"{V1}/jobs?since=2027-01-01T00:00:00Z").json()

    assert {job["kind"] for job in chosen["items"]} == {"check", "scrub"}
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert none["items"] == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("/jobs?kind=mischief", 422),
        ("/jobs?since=yesterday", 422),
        ("/jobs?after=nonsense", 422),
        ("/jobs/unknown", 404),
        ("/jobs/unknown/lines", 404),
    ],
)
def test_what_cannot_be_answered_is_said_so(
    plane: Plane, admin: Someone, asked: str, status: int
) -> None:
    reply = client_of(plane, token=admin.token).get(V1 + asked)

    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


def test_lease_is_taken_prolonged_and_given_back(plane: Plane, machine: Registered) -> None:
    agent = client_of(plane, machine=machine.fingerprint)

    lease = agent.post(f"{V1}/agent/leases", json={"kind": "prune", "seconds": 60}).json()
    other = agent.post(f"{V1}/agent/leases", json={"kind": "retain", "seconds": 60})
    longer = agent.post(f"{V1}/agent/leases/{lease['id']}/prolong", json={"seconds": 600}).json()
    gone = agent.delete(f"{V1}/agent/leases/{lease['id']}")
    after = agent.post(f"{V1}/agent/leases", json={"kind": "retain", "seconds": 60})

    assert (other.status_code, other.json()["code"]) == (409, "lease-held")
    assert longer["expires_at"] > lease["expires_at"]
    assert (gone.status_code, after.status_code) == (204, 200)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/agent/heartbeat"),
        ("GET", "/agent/commands"),
        ("POST", "/agent/commands/1/taken"),
        ("PUT", "/agent/jobs/abcd1234"),
        ("POST", "/agent/leases"),
        ("DELETE", "/agent/leases/abcd"),
    ],
)
def test_token_is_no_certificate(plane: Plane, admin: Someone, method: str, path: str) -> None:
    reply = client_of(plane, token=admin.token).request(method, V1 + path, json={})

    assert reply.status_code == 401
