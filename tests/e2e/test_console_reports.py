"""Reports in a real browser: the week, the room there is, and what can be taken along."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.alert_rules import NewTarget, add_target
from holdfast.app.control.reports.keeping import NewReport, keep_report
from holdfast.catalog import vault_samples
from holdfast.catalog.tables import Job, Machine, Point
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import add_admin, add_machine, add_vault
from holdfast.testing.waiting import wait_until
from tests.e2e.figures import figures, rows_behind

pytestmark = MARKS
GIB, DAY = 1 << 30, timedelta(days=1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        filled(site)
        yield site


def filled(site: ConsoleSite) -> None:
    plane, now = site.plane, site.plane.clock.now()
    admin = add_admin(plane, "keeper").actor
    vault = add_vault(plane, "office", quota_bytes=400 * GIB)
    add_vault(plane, "attic")
    for number in range(4):
        machine = add_machine(plane, vault, f"rack-{number:02}", last_seen_at=now).id
        with plane.database.write() as db:
            db.get_one(Machine, machine).bytes_stored = 75 * GIB
            db.add_all(jobs(vault, machine, now, number))
            if number:
                db.add_all(points(machine, now))
    server = add_machine(plane, vault, "rack-04", last_seen_at=now).id
    with plane.database.write() as db:
        # It was asked for before the week, and came to its end in it.
        begun = now - 8 * DAY
        db.add(job(vault, server, begun, id="long", state="lost", ended_at=now - DAY))
        vault_samples.add(db, [sample(vault, now, day) for day in range(1, 61)])
    place = NewTarget(name="office-mail", url="json://127.0.0.1:9/", weekly_on="monday")
    add_target(plane, admin, place, check=lambda _url: None)
    facts = {"machines": 12, "interval": 900, "bandwidth": 5_000_000.0}
    report = NewReport(
        vault=vault,
        title="Replication plan of rack-01",
        page="<p>of a host",
        made_at=now,
        facts=facts,
    )
    keep_report(plane, admin, report)


def points(machine: str, now: datetime) -> list[Point]:
    """One each day, as somebody makes them without a policy."""
    return [
        Point(
            machine_id=machine,
            id=f"{day:064x}",
            taken_at=now - day * DAY,
            host="rack",
            paths=["/srv"],
            tags=[],
            bytes_total=75 * GIB,
            bytes_added=(1 + day % 3) * GIB,
        )
        for day in range(14)
    ]


def sample(vault: str, now: datetime, day: int) -> dict[str, object]:
    return {
        "vault_id": vault,
        "at": now - day * DAY,
        "seconds": vault_samples.DAY,
        "bytes_stored": (300 - 3 * day - (day * 7) % 5) * GIB,
        "files_stored": 1000,
        "machines": 4,
        "disk_free": None,
        "disk_total": None,
    }


def jobs(vault: str, machine: str, now: datetime, number: int) -> list[Job]:
    states = ["done"] * 9 + (["failed"] if number > 1 else ["warnings"])
    error = {"code": "storage-full", "message": "The store is full", "remedy": "Make room."}
    return [
        job(
            vault,
            machine,
            now - timedelta(hours=12 * (10 - place)),
            id=f"job-{number}-{place}",
            state=state,
            error=error if state == "failed" else None,
        )
        for place, state in enumerate(states)
    ]


def job(vault: str, machine: str, at: datetime, **more: Any) -> Job:
    given = {
        "vault_id": vault,
        "machine_id": machine,
        "kind": "backup",
        "origin": "schedule",
        "source": "/srv",
        "arguments": {},
        "created_at": at,
        "ended_at": at,
        "progress": {},
    }
    return Job(**{**given, **more})


def test_all_reports_are_on_one_page(site: ConsoleSite) -> None:
    texts = ("The last seven days", "office-mail", "Monday", "Replication plan of rack-01")
    look_at(site, "/reports", "reports", texts=texts)


def test_the_week_says_what_failed_and_what_is_unproven(site: ConsoleSite) -> None:
    texts = ("What failed, and why", "storage-full", "rack-02", "not over")
    look_at(site, "/reports/weekly", "report-week", texts=texts)


@pytest.mark.parametrize("vault", ["", "office"])
def test_the_figures_of_the_week_lead_to_as_many_as_they_say(site: ConsoleSite, vault: str) -> None:
    browser = site.browser
    browser.open(f"/reports/weekly?vault={vault}")
    browser.wait_for("Failed jobs")
    tiles = figures(browser)
    counted = {name: int(value) for name, (value, _href) in tiles.items() if value.isdecimal()}

    held = {name: rows_behind(browser, tiles[name][1]) for name in counted}

    assert counted["Failed jobs"] == 3
    assert counted["At risk or unprotected"] < 5
    assert held == counted


def test_room_is_drawn_with_how_sure_it_is(site: ConsoleSite) -> None:
    texts = ("office", "attic", "four times in five", "The figures of this chart")
    look_at(site, "/reports/capacity", "report-capacity", texts=texts)


def test_a_report_is_about_one_vault_if_wanted(site: ConsoleSite) -> None:
    site.browser.open("/reports/capacity?vault=attic")

    site.browser.wait_for("attic", "Take it along")
    assert "Quota" not in site.browser.text


@pytest.mark.parametrize(
    ("path", "file", "words"),
    [
        ("/reports/weekly", "holdfast-week.html", "<h1>Weekly summary</h1>"),
        ("/reports/capacity", "holdfast-capacity.html", "<h1>Capacity forecast</h1>"),
        ("/reports", "holdfast-plan.html", "<p>of a host"),
    ],
)
def test_a_report_can_be_taken_along(
    site: ConsoleSite, tmp_path: Path, path: str, file: str, words: str
) -> None:
    allowed = {"behavior": "allow", "downloadPath": str(tmp_path)}
    site.browser.driver.execute_cdp_cmd("Page.setDownloadBehavior", allowed)
    site.browser.open(path)

    site.browser.click("Take it along")

    # It has its name only when all of it is there.
    wait_until((tmp_path / file).exists, within=90)
    assert words in (tmp_path / file).read_text()


def test_a_new_place_is_asked_about_the_week(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/alerts")
    browser.click("Add a target")
    browser.wait_for("A summary of the week as well")

    browser.shot("alert-target-new")

    assert browser.axe() == []
