"""Points, virtual machines and what policies would keep, over HTTP and over machines."""

from pathlib import Path

import pytest

from holdfast.app.control.points import take_points
from holdfast.app.control.vms import take_vms
from holdfast.fleet.messages import PointsTold, PointTold, VmsTold, VmTold
from holdfast.testing.planes import add_admin, add_machine, add_vault, client_of, make_plane


class Place:
    def __init__(self, folder: Path) -> None:
        self.plane = make_plane(folder)
        self.vault = add_vault(self.plane)
        self.machine = add_machine(self.plane, self.vault)
        self.person = client_of(self.plane, token=add_admin(self.plane).token)
        self.now = self.plane.clock.now()
        told = PointTold(
            id="ab" * 32,
            taken_at=self.now,
            host="alpha",
            paths=["/vm/web"],
            tags=["vm", "vm:u1", "class:crash"],
            bytes_added=10,
        )
        take_points(self.plane, self.machine.actor, PointsTold(points=[told]))
        web = VmTold(uuid="u1", name="web", state="off", protectable="whole", consistency="crash")
        take_vms(self.plane, self.machine.actor, VmsTold(vms=[web]))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_points_are_listed_over_machines_and_filtered(place: Place) -> None:
    found = place.person.get("/api/v1/points", params={"vm": "u1"}).json()
    later = place.person.get("/api/v1/points", params={"since": "2999-01-01T00:00:00Z"}).json()

    assert found["items"][0]["consistency"] == "crash"
    assert found["items"][0]["machine"] == "alpha"
    assert later == {"items": [], "next": None}


def test_one_point_is_shown(place: Place) -> None:
    url = f"/api/v1/machines/{place.machine.id}/points"

    assert place.person.get(f"{url}/{'ab' * 32}").json()["paths"] == ["/vm/web"]
    assert place.person.get(f"{url}/{'cd' * 32}").json()["code"] == "not-there"


def test_the_calendar_names_days_with_points(place: Place) -> None:
    found = place.person.get("/api/v1/points/calendar", params={"vault": place.vault}).json()
    odd = place.person.get("/api/v1/points/calendar", params={"zone": "Mars"})

    assert found["last"] == place.now.date().isoformat()
    assert [(one["day"], one["points"], one["classes"]) for one in found["days"]] == [
        (found["last"], 1, {"crash": 1})
    ]
    assert (odd.status_code, odd.json()["code"]) == (422, "zone-unknown")


def test_virtual_machines_are_listed_over_hosts(place: Place) -> None:
    listed = place.person.get("/api/v1/vms").json()["items"]
    shown = place.person.get(f"/api/v1/machines/{place.machine.id}/vms/u1").json()

    assert listed == [shown]
    assert (shown["machine"], shown["vm"]["name"]) == ("alpha", "web")


def test_what_a_policy_would_keep_is_tried_out(place: Place) -> None:
    url = f"/api/v1/vaults/{place.vault}/policies/trial"
    body = {"name": "nightly", "schedule": "daily 02:00", "retention": ["daily 7", "weekly 4"]}

    found = place.person.post(url, json=body).json()
    wrong = place.person.post(url, json={**body, "schedule": "never"})

    assert {one["rule"]: one["points"] for one in found["rules"]} == {"daily 7": 7, "weekly 4": 4}
    assert wrong.json()["code"] == "schedule-not-understood"
