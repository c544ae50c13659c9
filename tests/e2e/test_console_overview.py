"""The console's first page in a real browser: the answer, its figures, and the lists behind them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.plane import Plane
from holdfast.catalog.tables import (
    Assignment,
    Job,
    Machine,
    Point,
    Policy,
    Replication,
    Site,
    Vm,
)
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import Registered, add_machine, add_person, add_vault
from tests.e2e.figures import figures, rows_behind

pytestmark = MARKS

HOUR = timedelta(hours=1)
VMS = tuple(f"shop-{number:02}" for number in range(12))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        yield site


@pytest.fixture(scope="module")
def fleet(site: ConsoleSite) -> Plane:
    """Two machines with points, a host whose site is full, one that nobody protects."""
    plane, now = site.plane, site.plane.clock.now()
    vault = add_vault(plane, "office")
    seen = {"last_seen_at": now + 10 * HOUR, "key_fingerprint": "k", "bytes_stored": 7 << 30}
    web, mail, host, far, new = (
        add_machine(plane, vault, name, **seen) for name in ("web", "mail", "kvm1", "berlin", "new")
    )
    _protect(plane, vault, web, mail, now=now)
    with plane.database.write() as db:
        db.add_all(_point(one, number, now) for one in (web, mail) for number in range(5))
        db.add_all(_jobs(vault, web, now))
        db.add_all(_noise(vault, web, now))
        for error in ("storage-full",):
            for one in (web, mail):
                raise_alert(
                    db,
                    plane,
                    "backup-failed",
                    vault_id=vault,
                    machine_id=one.id,
                    fields={
                        "source": "/srv",
                        "machine": one.actor.name,
                        "error": error,
                        "reason": "the vault has no room left",
                        "remedy": "Raise the quota, or make room.",
                    },
                )
        db.add(_site(far, now))
        db.flush()
        for name in VMS:
            db.add(Vm(machine_id=host.id, uuid=f"uuid-{name}", name=name, facts={}, told_at=now))
            db.add(_replication(name, host, now))
    assert new.id
    return plane


def _protect(plane: Plane, vault: str, *machines: Registered, now: datetime) -> None:
    with plane.database.write() as db:
        db.add(Policy(id="p", vault_id=vault, name="daily", body={}, changed_at=now))
        db.flush()
        for one in machines:
            given: dict[str, Any] = {"paths": ["/srv"], "vms": [], "options": {}}
            db.add(
                Assignment(
                    id=f"a-{one.id}", machine_id=one.id, policy_id="p", created_at=now, **given
                )
            )


def _point(machine: Registered, number: int, now: datetime) -> Point:
    return Point(
        machine_id=machine.id,
        id=f"{number:064x}",
        taken_at=now - (5 * number + 1) * HOUR,
        host=machine.actor.name,
        paths=["/srv"],
        tags=[],
        bytes_total=1 << 30,
        bytes_added=20 << 20,
    )


def _jobs(vault: str, machine: Registered, now: datetime) -> Iterator[Job]:
    for number, (kind, state) in enumerate(
        (
            *(("backup", "done"), ("restore", "done"), ("backup", "failed")),
            *(("backup", "warnings"), ("backup", "lost"), ("prune", "waiting")),
        )
    ):
        yield _job(
            vault, machine, now - (number + 1) * HOUR, id=f"job-{number}", kind=kind, state=state
        )
    read = {"id": "read", "kind": "check", "arguments": {"read_data": "10%"}}
    yield _job(vault, machine, now - 300 * HOUR, **read)
    yield _job(vault, machine, now - 30 * HOUR, id="older", state="failed")


def _noise(vault: str, machine: Registered, now: datetime) -> Iterator[Job]:
    """Newer than what figures count, and more of them than a list takes at once."""
    for number in range(1100):
        yield _job(vault, machine, now, id=f"noise-{number}", state="skipped")


def _job(vault: str, machine: Registered, at: datetime, **more: Any) -> Job:
    given = {
        "vault_id": vault,
        "machine_id": machine.id,
        "kind": "backup",
        "origin": "schedule",
        "source": "/srv",
        "state": "done",
        "arguments": {},
        "progress": {},
        "created_at": at,
        "started_at": at,
        "ended_at": at,
    }
    return Job(**{**given, **more})


def _site(far: Registered, now: datetime) -> Site:
    return Site(
        id="site-berlin",
        name="berlin",
        machine_id=far.id,
        folder="/srv/replicas",
        host="",
        port=8444,
        created_at=now,
        created_by="admin",
    )


def _replication(name: str, host: Registered, now: datetime) -> Replication:
    full = {
        "code": "failing",
        "health": "critical",
        "since": now.isoformat(),
        "figures": {"sentence": "berlin has no room left for what is sent", "failures": "3"},
    }
    status = {
        "vm": f"uuid-{name}",
        "name": name,
        "site": "berlin",
        "state": "replicating",
        "health": "critical",
        "reasons": [full],
        "error_code": "site-full",
        "updated_at": now.isoformat(),
    }
    return Replication(
        id=f"r-{name}",
        site_id="site-berlin",
        vm=f"uuid-{name}",
        name=name,
        machine_id=host.id,
        settings={},
        status=status,
        state="replicating",
        state_since=now,
        health="critical",
        health_since=now,
        latest_at=now - HOUR,
        created_at=now - 48 * HOUR,
        told_at=now,
    )


def test_a_server_without_machines_says_how_to_begin(site: ConsoleSite) -> None:
    look_at(site, "/", "overview-empty", texts=("Nothing is protected yet", "Get started"))


@pytest.mark.usefixtures("fleet")
def test_the_answer_stands_above_its_figures(site: ConsoleSite) -> None:
    look_at(
        site,
        "/",
        "overview",
        texts=(
            "1 machine is not protected",
            "2 machines, 12 virtual machines",
            "Last shown to come back: web, restored",
        ),
    )


@pytest.mark.usefixtures("fleet")
def test_one_full_site_is_one_problem_of_all_its_machines(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/")
    browser.wait_for("Replication to berlin")

    shown = browser.text

    assert shown.count("Replication to berlin") == 1
    assert "12 virtual machines" in shown
    assert "Work of 2 machines fails for one reason: the vault has no room left" in shown


@pytest.mark.usefixtures("fleet")
def test_a_figure_leads_to_what_it_is_made_of(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/")
    browser.wait_for("See what is not protected")

    browser.click("See what is not protected")

    browser.wait_for("How safe everything is", "1-1 of 1")
    assert "new" in browser.text
    assert "shop-00" not in browser.text


@pytest.mark.usefixtures("fleet")
def test_every_figure_leads_to_as_many_as_it_says(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/")
    browser.wait_for("Jobs that failed")
    tiles = figures(browser)
    counted = {label: int(value) for label, (value, _href) in tiles.items() if value.isdecimal()}
    part, whole = map(int, tiles["Proven lately"][0].split(" of "))
    counted["Proven lately"] = whole - part
    counted["Stored"] = 1

    held = {label: rows_behind(browser, tiles[label][1]) for label in counted}

    assert held == counted
    assert counted["Jobs that failed"] == counted["Jobs that went well"] - 1 == 2
    assert tiles["Last restore"][1].endswith("/jobs/job-1")
    assert tiles["Last check that read the data"][1].endswith("/jobs/read")
    assert "/replications/r-shop-" in tiles["Worst RPO now"][1]
    assert "/machines/" in tiles["Longest without a new backup"][1]


@pytest.mark.usefixtures("fleet")
def test_the_list_says_why(site: ConsoleSite) -> None:
    look_at(site, "/safety", "safety", texts=("1-17 of 17", "shop-11"))


@pytest.mark.usefixtures("fleet")
def test_problems_are_listed_and_each_names_all_that_hangs_on_it(site: ConsoleSite) -> None:
    look_at(site, "/problems", "problems", texts=("Replication to berlin", "Work of 2 machines"))
    site.browser.open("/problems/site%3Asite-berlin")

    site.browser.wait_for("What hangs on it", "shop-00", "1-12 of 12")

    look_at(site, "/problems/site%3Asite-berlin", "problem", texts=("shop-11",))


@pytest.mark.usefixtures("fleet")
def test_a_problem_leads_to_its_own_alerts(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/problems")
    browser.click("Work of 2 machines")
    browser.wait_for("What hangs on it", "2 alerts tell of it")

    browser.click("2 alerts tell of it")

    browser.wait_for("1-2 of 2")
    assert "Work of 2 machines" in browser.text


def test_an_open_page_follows_what_happens(site: ConsoleSite, fleet: Plane) -> None:
    browser = site.browser
    browser.open("/")
    browser.wait_for("1 machine is not protected")

    with fleet.database.write() as db:
        db.query(Machine).filter_by(name="new").update({"state": "unregistered"})

    browser.wait_for("2 machines, 12 virtual machines are at risk")


def test_whoever_may_see_nothing_is_told_of_nothing(site: ConsoleSite, fleet: Plane) -> None:
    stranger = add_person(fleet, "stranger")
    browser = site.browser
    browser.driver.delete_cookie("__Host-holdfast")
    browser.driver.add_cookie(
        {"name": "__Host-holdfast", "value": stranger.token, "path": "/", "secure": True}
    )

    browser.open("/")

    browser.wait_for("Nothing is protected yet")
    assert "berlin" not in browser.text
