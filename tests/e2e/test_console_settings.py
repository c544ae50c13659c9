"""Drills, replications and assignments are set in a browser: what is ordered, and what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from holdfast.app.control.assignments import AssignmentView, attach, list_assignments
from holdfast.app.control.policies import create_policy
from holdfast.app.control.replication_views import list_replications
from holdfast.catalog.replications import Filter
from holdfast.catalog.tables import Job
from holdfast.fleet.paging import Window
from holdfast.fleet.policies import policy_body, propose
from holdfast.testing.browser import DESKTOP, PHONE
from holdfast.testing.console import MARKS, ConsoleSite, console_at
from tests.e2e.recovery_rows import Live
from tests.unit.app.control.replication_ground import uuid_of

pytestmark = MARKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    site: ConsoleSite
    live: Live
    assignment: str

    def jobs(self, kind: str) -> list[Job]:
        return self.live.jobs(kind)

    def assigned(self) -> AssignmentView:
        found = list_assignments(self.live.plane, self.live.admin, Window())
        return next(one for one in found.items if one.id == self.assignment)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        live = Live(site.plane)
        live.fill()
        made = _assigned(live)
        yield Place(site=site, live=live, assignment=made.id)


def _assigned(live: Live) -> AssignmentView:
    plane, admin = live.plane, live.admin
    hourly = {**policy_body(propose()), "name": "hourly", "schedule": "every 1h"}
    create_policy(plane, admin, live.vault, hourly)
    body = {**policy_body(propose()), "name": "nightly"}
    policy = create_policy(plane, admin, live.vault, body)
    options = {"excludes": ["*.tmp"], "one_file_system": True}
    return attach(plane, admin, live.one.id, policy_id=policy.id, paths=["/srv"], options=options)


def look_at_dialog(site: ConsoleSite, name: str) -> None:
    """As at a desk and as on a phone."""
    for size in (PHONE, DESKTOP):
        site.browser.resize(size)
        site.browser.shot(f"{name}-{size[0]}", whole=False)
        assert not site.browser.is_wider_than_its_window()
        assert site.browser.axe() == []


def test_drills_of_a_machine_are_put_on_a_schedule(place: Place) -> None:
    browser = place.site.browser
    browser.open(f"/drills?schedule={place.live.far.id}%20{uuid_of('db')}")
    browser.wait_for("Drills on a schedule", "Nothing is different yet.")
    assert browser.named("Set it").get_attribute("disabled") is not None
    browser.type("When", "when it suits")
    browser.wait_for("New", "when it suits")
    browser.click("Set it")
    browser.wait_for("is no schedule")
    browser.type("When", "monthly 1st 04:00")
    browser.type("Up and checked after at most (RTO)", "15m")
    browser.wait_for("monthly 1st 04:00", "15m")
    look_at_dialog(place.site, "drill-schedule")

    browser.click("Set it")
    browser.wait_for("Scheduling drills")

    (made,) = place.jobs("drill-schedule")
    assert made.machine_id == place.live.far.id
    assert made.arguments == {"vm": "db", "schedule": "monthly 1st 04:00", "rto": "15m"}


def test_a_schedule_that_is_emptied_is_ended(place: Place) -> None:
    browser = place.site.browser
    before = {one.id for one in place.jobs("drill-schedule")}
    browser.open(f"/drills?schedule={place.live.far.id}%20{uuid_of('web')}")
    browser.wait_for("Drills on a schedule", "Nothing is different yet.")
    browser.until(lambda: browser.labelled("When").get_attribute("value"), "its schedule")
    browser.type("When", "")
    browser.until(
        lambda: browser.named("Set it").get_attribute("disabled") is None, "that it can be set"
    )

    browser.click("Set it")
    browser.wait_for("Scheduling drills")

    (made,) = [one for one in place.jobs("drill-schedule") if one.id not in before]
    assert made.arguments == {"vm": "web", "never": True}


def test_settings_of_a_replication_are_changed_and_a_refusal_is_shown(place: Place) -> None:
    browser, live = place.site.browser, place.live
    found = list_replications(live.plane, live.admin, Filter(vm="web"), Window()).items
    browser.open(f"/replications/{found[0].id}")
    browser.click("Change the settings")
    browser.wait_for("Settings of the replication of web", "Nothing is different yet.")
    browser.type("Send no faster than, one on each line", "20mbit@weekdays 08:00-18:00")
    browser.type("Thresholds, one on each line", "rpo-warn=20m")
    browser.wait_for("New", "20mbit@weekdays 08:00-18:00", "rpo-warn=20m")
    look_at_dialog(place.site, "replication-settings")

    browser.click("Order it")
    browser.wait_for("A change of its settings is ordered")

    (made,) = place.jobs("replicate")
    assert made.arguments == {
        "vm": "web",
        "to": "berlin",
        "limits": ["20mbit@weekdays 08:00-18:00"],
        "thresholds": ["rpo-warn=20m"],
    }
    live.refuse(made, code="vm-partly-protectable", message="vdb of web is left out")
    browser.wait_for("The last change of its settings was not made", "vdb of web is left out")
    look_at_dialog(place.site, "replication-refused")


def test_what_a_policy_protects_is_changed(place: Place) -> None:
    browser = place.site.browser
    browser.open(f"/machines/{place.live.one.id}")
    browser.wait_for("/srv", "nightly")
    browser.click("Change")
    browser.wait_for("Change what is protected", "Nothing is different yet.")
    browser.type("Folders and files, one on each line", "srv/no/whole/path")
    browser.click("Change it")
    browser.wait_for("is no absolute path")
    browser.type("Folders and files, one on each line", "/srv\n/etc")
    browser.choose("Policy", "hourly")
    browser.wait_for("/srv, /etc", "hourly")
    look_at_dialog(place.site, "assignment-change")

    browser.click("Change it")
    browser.wait_for("/etc", "hourly")
    browser.wait_without("Change what is protected")

    now = place.assigned()
    assert (now.paths, now.policy) == (["/srv", "/etc"], "hourly")
    assert now.options == {"excludes": ["*.tmp"], "one_file_system": True}
