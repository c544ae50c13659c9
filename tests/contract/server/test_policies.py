"""Policies, assignments and points over HTTP."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.planes import add_admin, add_machine, add_vault, client_of, make_plane

BODY = {"name": "nightly", "schedule": "daily 02:00", "retention": ["daily 9"]}


class Place:
    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        self.plane = make_plane(folder, database_url=database_url)
        self.vault = add_vault(self.plane)
        self.machine = add_machine(self.plane, self.vault)
        self.person = client_of(self.plane, token=add_admin(self.plane).token)
        self.agent = client_of(self.plane, machine=self.machine.fingerprint)

    def make(self, **more: Any) -> Any:
        return self.person.post(f"/api/v1/vaults/{self.vault}/policies", json={**BODY, **more})

    def attach(self) -> Any:
        wanted = {"policy": "nightly", "paths": ["/etc"]}
        return self.person.post(f"/api/v1/machines/{self.machine.id}/assignments", json=wanted)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_proposal_is_made_changed_and_deleted(place: Place) -> None:
    url = f"/api/v1/vaults/{place.vault}/policies"
    body = place.person.get(f"{url}/proposal", params={"zone": "Asia/Seoul"}).json()

    made = place.person.post(url, json=body)
    changed = place.person.put(
        f"/api/v1/policies/{made.json()['id']}", json={**body, "schedule": "daily 03:00"}
    )
    gone = place.person.delete(f"/api/v1/policies/{made.json()['id']}")

    assert (made.status_code, changed.status_code, gone.status_code) == (201, 200, 204)
    assert changed.json()["version"] == 2
    assert place.person.get(url).json() == {"items": [], "next": None}


def test_refusals_are_problems_with_codes(place: Place) -> None:
    place.make()
    place.attach()
    policy = place.person.get(f"/api/v1/vaults/{place.vault}/policies").json()["items"][0]["id"]
    url = f"/api/v1/policies/{policy}"

    answers = {
        "policy-not-understood": place.make(novelty=1),
        "schedule-not-understood": place.make(name="x", schedule="never"),
        "zone-unknown": place.make(name="x", zone="Mars"),
        "already-there": place.make(),
        "paths-assigned": place.attach(),
        "policy-attached": place.person.delete(url),
        "pin-needed": place.person.put(url, json={**BODY, "retention": ["daily 7"]}),
        "not-there": place.person.get("/api/v1/policies/none"),
    }

    assert {code: answer.json()["code"] for code, answer in answers.items()} == {
        code: code for code in answers
    }
    assert [answer.status_code for answer in answers.values()] == [
        422, 422, 422, 409, 409, 409, 403, 404,
    ]  # fmt: skip


def test_agent_asks_for_assignments_by_their_tag(place: Place) -> None:
    place.make()
    place.attach()

    first = place.agent.get("/api/v1/agent/assignments")
    same = place.agent.get(
        "/api/v1/agent/assignments", headers={"If-None-Match": first.headers["etag"]}
    )
    other = place.agent.get("/api/v1/agent/assignments", headers={"If-None-Match": '"other"'})

    assert first.headers["etag"] == f'"{first.json()["etag"]}"'
    assert first.json()["assignments"][0]["policy"]["schedule"] == "daily 02:00"
    assert (same.status_code, same.content) == (304, b"")
    assert other.json() == first.json()


def test_points_told_are_shown_with_their_end(place: Place) -> None:
    place.make()
    made = place.attach().json()
    told = {
        "id": "ab" * 32,
        "taken_at": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "host": "alpha",
        "paths": ["/etc"],
        "tags": [f"assignment:{made['id']}"],
    }

    taken = place.agent.put("/api/v1/agent/points", json={"points": [told]})
    shown = place.person.get(f"/api/v1/machines/{place.machine.id}/points").json()

    assert taken.json() == {"new": 1, "gone": 0}
    assert shown["items"][0]["policy"] == "nightly"
    assert shown["items"][0]["holds"][0]["rule"] == "daily 9"


def test_preview_changes_nothing(place: Place) -> None:
    policy = place.make().json()
    place.attach()

    found = place.person.post(
        f"/api/v1/policies/{policy['id']}/preview", json={**BODY, "retention": ["daily 7"]}
    )

    assert found.json() == {"count": 0, "going": [], "is_shorter": True, "refused": None}
    assert place.person.get(f"/api/v1/policies/{policy['id']}").json() == {
        **policy,
        "attached": 1,
    }


def test_assignment_is_paused_and_detached(place: Place) -> None:
    place.make()
    url = f"/api/v1/assignments/{place.attach().json()['id']}"

    paused = place.person.patch(url, json={"is_paused": True})
    listed = place.person.get("/api/v1/assignments", params={"machine": place.machine.id})
    gone = place.person.delete(url)

    assert paused.json()["is_paused"] is True
    assert listed.json()["items"] == [paused.json()]
    assert gone.status_code == 204


def test_person_is_no_machine_and_a_machine_no_person(place: Place) -> None:
    assert place.person.get("/api/v1/agent/assignments").status_code == 401
    assert place.person.put("/api/v1/agent/points", json={"points": []}).status_code == 401
    assert place.agent.get("/api/v1/assignments").status_code == 401


def test_machines_are_assigned_told_and_shown_in_every_database(
    tmp_path: Path, database_url: str
) -> None:
    place = Place(tmp_path, database_url)
    place.make()
    url = f"/api/v1/machines/{place.machine.id}"
    told = {"uuid": "u1", "name": "web", "state": "off", "protectable": None, "consistency": None}

    made = place.person.post(f"{url}/assignments", json={"policy": "nightly", "vms": ["web", "*"]})
    again = place.person.post(f"{url}/assignments", json={"policy": "nightly", "vms": ["*", "web"]})
    nothing = place.person.post(f"{url}/assignments", json={"policy": "nightly"})
    assigned = place.agent.get("/api/v1/agent/assignments").json()["assignments"]
    taken = place.agent.put("/api/v1/agent/vms", json={"vms": [told]})
    shown = place.person.get(f"{url}/vms").json()
    place.plane.database.close()

    assert (made.json()["vms"], made.json()["paths"]) == (["web", "*"], [])
    assert again.json()["code"] == "vms-assigned"
    assert (again.status_code, nothing.status_code) == (409, 422)
    assert assigned[0]["vms"] == ["web", "*"]
    assert taken.status_code == 204
    assert [(one["name"], one["state"], one["remarks"]) for one in shown["items"]] == [
        ("web", "off", [])
    ]
