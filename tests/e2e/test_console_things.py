"""Machines, virtual machines, vaults, points and policies in a real browser."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from holdfast.app.control.assignments import attach
from holdfast.app.control.points import take_points
from holdfast.app.control.policies import create_policy
from holdfast.app.control.vms import take_vms
from holdfast.catalog.tables import Machine, Vault
from holdfast.console.places import SESSION_COOKIE
from holdfast.fleet.backup_options import tag_of
from holdfast.fleet.messages import PointsTold, PointTold, VmsTold, VmTold
from holdfast.fleet.policies import policy_body, propose
from holdfast.fleet.roles import Role
from holdfast.testing.browser import Browser
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import Registered, add_admin, add_machine, add_person, add_vault
from holdfast.testing.waiting import wait_until

pytestmark = MARKS
WEB, DB = "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "6fa459ea-ee8a-3ca4-894e-db77e160355e"
GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """A vault with a host, its virtual machines, a policy and the points of a month."""

    site: ConsoleSite
    vault: str
    host: Registered
    policy: str
    assignment: str


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Things]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        things = filled(site)
        # The server looks at how safe all are every two seconds.
        wait_until(lambda: _is_judged(site, things.host.id), within=90)
        yield things


def _is_judged(site: ConsoleSite, machine: str) -> bool:
    with site.server.client(token=site.server.admin_token) as client:
        found = client.get("/api/v1/safety").json()["items"]
    return any(one["id"] == machine for one in found)


def filled(site: ConsoleSite) -> Things:
    plane, admin = site.plane, add_admin(site.plane, "keeper").actor
    vault = add_vault(plane, "office", quota_bytes=500 * GIB)
    now = plane.clock.now()
    host = add_machine(plane, vault, "rack-01", last_seen_at=now, bytes_stored=182 * GIB)
    add_machine(plane, vault, "mail", last_seen_at=now - timedelta(days=3))
    with plane.database.write() as db:
        row = db.get_one(Machine, host.id)
        row.facts = {"system": {"name": "Debian GNU/Linux 12"}}
        row.files_stored, row.agent_version = 2913, "1.0"
    policy = create_policy(plane, admin, vault, policy_body(propose("nightly"))).id
    paths = ["/etc", "/srv"]
    made = attach(plane, admin, host.id, policy_id=policy, paths=paths, vms=["web"], options={}).id
    take_vms(plane, host.actor, VmsTold(vms=[vm(WEB, "web", now), vm(DB, "db", None)]))
    take_points(plane, host.actor, PointsTold(points=points(made, now)))
    return Things(site=site, vault=vault, host=host, policy=policy, assignment=made)


def vm(uuid: str, name: str, point_at: datetime | None) -> VmTold:
    return VmTold(
        uuid=uuid,
        name=name,
        state="running",
        protectable="whole",
        consistency="application",
        remarks=[] if point_at else ["vm-not-protected"],
        protected_since=point_at,
        point_at=point_at,
        point_class="application" if point_at else None,
    )


def points(assignment: str, now: datetime) -> list[PointTold]:
    """Two a day for forty days: of files, and of a virtual machine."""
    return [
        point
        for day in range(40)
        for point in (
            told(day, 0, now, ["/etc", "/srv"], [tag_of(assignment)]),
            told(day, 1, now, ["/vm/web"], ["vm", f"vm:{WEB}", _class(day), tag_of(assignment)]),
        )
    ]


def _class(day: int) -> str:
    return "class:crash" if day % 5 == 0 else "class:application"


def told(day: int, number: int, now: datetime, paths: list[str], tags: list[str]) -> PointTold:
    return PointTold(
        id=f"{day:032x}{number:032x}",
        taken_at=now - timedelta(days=day, minutes=number),
        host="rack-01",
        paths=paths,
        tags=tags,
        bytes_total=(40 + number) * GIB,
        bytes_added=(1 + day % 7) * GIB // 3,
    )


def test_machines_are_listed_with_how_safe_they_are(things: Things) -> None:
    look_at(things.site, "/machines", "machines", texts=("rack-01", "Protected", "Silent"))


def test_a_list_is_filtered_sorted_and_taken_along(things: Things) -> None:
    browser = things.site.browser
    browser.look()
    browser.open("/machines")
    browser.wait_for("rack-01", "mail")
    assert first_cells(browser) == ["mail", "rack-01"]

    browser.click("Machine▴")
    browser.until(lambda: first_cells(browser) == ["rack-01", "mail"], "the other order")
    browser.type("Filter", "silent mai")
    browser.until(lambda: first_cells(browser) == ["mail"], "the filter")
    browser.run(TAKE_ALONG)
    browser.click("Export as CSV")
    browser.until(lambda: taken(browser), "an export")

    rows = list(csv.reader(io.StringIO(taken(browser))))
    assert [row[0] for row in rows[1:]] == ["mail"]
    assert rows[0][0] == "Machine"


# What would be saved is kept, for a look at it.
TAKE_ALONG = """
const made = URL.createObjectURL;
URL.createObjectURL = blob => { blob.text().then(text => window.taken = text); return made(blob); };
"""


def taken(browser: Browser) -> str:
    return str(browser.run("return (window.taken || '').replace('\ufeff', '')"))


def first_cells(browser: Browser) -> list[str]:
    script = "return [...document.querySelectorAll('tbody tr td:first-child')].map(c => c.innerText.trim())"
    return list(browser.run(script))


def test_a_machine_shows_what_is_protected_and_what_was_kept(things: Things) -> None:
    texts = ("rack-01", "/etc /srv vm:web", "nightly", "Its virtual machines")
    look_at(things.site, f"/machines/{things.host.id}", "machine", texts=texts)


def test_virtual_machines_are_listed(things: Things) -> None:
    look_at(things.site, "/vms", "vms", texts=("web", "db", "Application"))


def test_a_virtual_machine_shows_its_points(things: Things) -> None:
    path = f"/vms/{things.host.id}/{WEB}"
    look_at(things.site, path, "vm", texts=("web", "Back up now", "nightly"))


def test_a_short_table_is_filtered_sorted_and_taken_along(things: Things) -> None:
    browser = things.site.browser
    browser.look()
    browser.open(f"/vms/{things.host.id}/{WEB}")
    browser.wait_for("Newest recovery points")
    browser.until(lambda: len(sizes(browser)) == 6, "the six newest")
    grown = sizes(browser)

    browser.click("New data")
    browser.until(lambda: sizes(browser) == grown, "the smallest first")
    browser.click("New data▴")
    browser.until(lambda: sizes(browser) == grown[::-1], "the greatest first")
    browser.type("Filter", "crash")
    browser.until(lambda: sizes(browser) == [grown[5], grown[0]], "the filter")
    browser.run(TAKE_ALONG)
    browser.click("Export as JSON")
    browser.until(lambda: taken(browser), "an export")

    rows = json.loads(taken(browser))
    assert [row["New data"] for row in rows] == [6 * GIB // 3, GIB // 3]
    assert datetime.fromisoformat(rows[0]["Taken"]) < datetime.fromisoformat(rows[1]["Taken"])


def sizes(browser: Browser) -> list[str]:
    script = "return [...document.querySelectorAll('.hf-short td.hf-number')].map(c => c.innerText.trim())"
    return list(browser.run(script))


def test_vaults_are_listed(things: Things) -> None:
    look_at(things.site, "/vaults", "vaults", texts=("office", "Soft delete"))


def test_a_vault_shows_its_guards_and_its_machines(things: Things) -> None:
    texts = ("office", "How it is guarded", "rack-01", "Capacity forecast")
    look_at(things.site, f"/vaults/{things.vault}", "vault", texts=texts)


def test_points_are_on_a_calendar_and_along_time(things: Things) -> None:
    path = f"/points?vault={things.vault}"
    look_at(things.site, path, "points", texts=("By day", "Along time", "rack-01", "Points of"))


def test_a_point_shows_what_keeps_it(things: Things) -> None:
    path = f"/points/{things.host.id}/{0:032x}{0:032x}"
    look_at(things.site, path, "point", texts=("What keeps it", "daily 7", "nightly"))


def test_policies_are_listed(things: Things) -> None:
    look_at(
        things.site, "/policies", "policies", texts=("nightly", "daily 7, weekly 4, monthly 12")
    )


def test_a_policy_shows_what_it_keeps(things: Things) -> None:
    texts = ("What to keep", "Had it always run", "monthly 12", "What it protects", "rack-01")
    look_at(things.site, f"/policies/{things.policy}", "policy", texts=texts)


def test_a_policy_is_tried_out_while_it_is_written_and_saved(things: Things) -> None:
    browser = things.site.browser
    browser.open(f"/policies/new?vault={things.vault}")
    browser.wait_for("Had it always run")

    browser.type("Rules, one on each line", "daily 9")
    browser.wait_for("there would be 9 recovery points")
    browser.type("Schedule", "at noon")
    browser.wait_for("'at noon' is no schedule")
    browser.type("Schedule", "daily 12:00")
    browser.wait_without("is no schedule")
    browser.type("Name", "midday")
    browser.click("Save")

    browser.wait_for("midday", "version 1", "It protects nothing yet")


def test_a_day_of_the_calendar_narrows_the_list(things: Things) -> None:
    browser = things.site.browser
    browser.open(f"/points?machine={things.host.id}&vm={WEB}")
    browser.wait_for("By day")
    days = "return document.querySelectorAll('button.hf-day').length"
    assert browser.run(days) > 0

    browser.run("document.querySelector('button.hf-day').click()")

    browser.wait_for("1-1 of 1", "Whole month")
    browser.click("Whole month")
    browser.wait_without("1-1 of 1")


def test_what_can_be_done_is_open_to_everybody_who_may(things: Things) -> None:
    browser = things.site.browser
    browser.open(f"/machines/{things.host.id}")

    browser.click("More to do with this machine")
    browser.wait_for("Credentials for a new disk")
    menu = browser.axe()
    browser.click("Delete its data")
    browser.wait_for("Type rack-01 to go on")
    question = browser.axe()

    assert (menu, question) == ([], [])


def test_a_policy_is_assigned_and_paused_on_the_page(things: Things) -> None:
    browser, machine = things.site.browser, add_machine(things.site.plane, things.vault, "files")
    browser.open(f"/machines/{machine.id}")
    browser.wait_for("Nothing of this machine is backed up")

    browser.click("Assign a policy")
    browser.type("Folders and files", "/srv/files")
    browser.click("Assign")
    browser.wait_for("/srv/files", "next run")
    browser.click("Pause")

    browser.wait_for("Paused", "no run is planned", "Resume")


def test_a_machine_is_renamed_and_limited(things: Things) -> None:
    browser, machine = things.site.browser, add_machine(things.site.plane, things.vault, "old")
    browser.open(f"/machines/{machine.id}")

    browser.click("More to do with this machine")
    browser.click("Rename")
    browser.type("Name", "archive-01")
    browser.click("Rename")
    browser.wait_for("archive-01")
    browser.until(lambda: browser.driver.title == "archive-01 · Machine · Holdfast", "its title")
    browser.click("More to do with this machine")
    browser.click("Limit what it stores")
    browser.type("At most", "lots")
    browser.click("Set")
    browser.wait_for("'lots' is no size")
    browser.click("More to do with this machine")
    browser.click("Limit what it stores")
    browser.type("At most", "1T")
    browser.click("Set")

    browser.wait_for("of 1.00 TiB at most")


def test_data_goes_only_for_who_types_its_name_and_proves_who_they_are(things: Things) -> None:
    site, browser = things.site, things.site.browser
    machine = add_machine(site.plane, things.vault, "leaving")
    browser.open(f"/machines/{machine.id}")

    browser.click("More to do with this machine")
    browser.click("Delete its data")
    browser.type("Type leaving to go on", "leaving")
    browser.until(lambda: browser.named("Delete").is_enabled(), "a name typed whole")
    browser.click("Delete")
    browser.type("Password", site.server.admin_password)
    browser.click("Go on")

    browser.wait_for("Deleted", "Gone for good at")
    browser.click("More to do with this machine")
    browser.click("Undelete")
    browser.wait_for("Unregistered")


def test_a_point_is_let_be_read_by_another_machine(things: Things) -> None:
    browser = things.site.browser
    browser.open(f"/machines/{things.host.id}")

    browser.click("Let another machine read")
    browser.click("Let it read")
    browser.wait_for("ends in")
    browser.click("End the reading of")

    browser.wait_for("Nobody. When this machine is lost")


def test_who_may_only_read_is_offered_nothing_to_do(things: Things) -> None:
    site, browser = things.site, things.site.browser
    eve = add_person(site.plane, "eve", role=Role.READER, vault_id=things.vault)

    with browsing_as(browser, eve.token):
        browser.open(f"/machines/{things.host.id}")
        browser.wait_for("eve", "What is protected", "/etc /srv")
        offered = browser.text

    for act in ("Back up now", "Check now", "Assign a policy", "Pause", "Let another machine read"):
        assert act not in offered


@contextlib.contextmanager
def browsing_as(browser: Browser, token: str) -> Iterator[None]:
    """For a while, somebody else sits there."""
    own = browser.driver.get_cookie(SESSION_COOKIE)
    assert own is not None
    browser.driver.add_cookie({**own, "value": token})
    try:
        yield
    finally:
        browser.driver.add_cookie(own)


def test_a_vault_is_made_changed_and_gives_credentials(things: Things, tmp_path: Path) -> None:
    site, browser = things.site, things.site.browser
    browser.open("/vaults")

    browser.click("New vault")
    browser.type("Name", "archive")
    browser.type("Place", str(tmp_path / "archive"))
    browser.click("Make it")
    browser.wait_for("archive", "How it is guarded", "No machine is registered yet")
    browser.click("Change")
    browser.type("Machines at most", "0")
    browser.click("Save")
    browser.wait_for("from 1 to 10000")
    # What was refused is told in the form, which keeps what was filled in.
    browser.type("Machines at most", "100")
    browser.type("Room at most", "2T")
    browser.type("Alarm after days", "5")
    browser.click("Save")
    browser.wait_for("0 % of 2.00 TiB", "after 5 days without a backup")
    browser.click("Register a machine")
    browser.click("Download the file")

    wait_until(lambda: _issued(site, "archive") == 1, within=90)


def _issued(site: ConsoleSite, vault: str) -> int:
    with site.plane.database.read() as db:
        return db.query(Vault).filter_by(name=vault).one().credentials_serial


def test_months_are_turned(things: Things) -> None:
    browser = things.site.browser
    browser.open(f"/points?machine={things.host.id}&month=2020-05")
    browser.wait_for("Points of May 2020", "No recovery point in this time")

    browser.click("Earlier month")
    browser.wait_for("Points of April 2020")
    browser.click("Later month")
    browser.click("Later month")

    browser.wait_for("Points of June 2020")
