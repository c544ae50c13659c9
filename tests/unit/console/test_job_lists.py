"""Addresses of lists of jobs: what a figure counts is what its list holds."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from holdfast.app.control.jobs import list_jobs
from holdfast.base.texts import speaking
from holdfast.catalog.tables import Job
from holdfast.console.job_lists import DAY, EVER, JobsAsked
from holdfast.fleet.paging import MOST, Window
from holdfast.testing.planes import add_admin, add_machine, add_vault, make_plane


def test_an_address_names_each_state_and_kind_and_no_more_than_asked() -> None:
    asked = JobsAsked(states=("failed", "lost"), kinds=("check",), vault="v 1", hours=DAY)

    said = parse_qs(urlsplit(asked.href).query)

    assert said == {
        "state": ["failed", "lost"],
        "kind": ["check"],
        "vault": ["v 1"],
        "hours": ["24"],
    }
    assert JobsAsked(is_over=True).href == "/jobs?over=true"
    assert JobsAsked().href == "/jobs"
    assert JobsAsked(hours=EVER).href == "/jobs?hours=0"


def test_what_is_asked_for_is_told_as_people_call_it() -> None:
    asked = JobsAsked(states=("failed", "lost"), kinds=("vm-restore",))

    with speaking("en"):
        assert asked.words == "Restoring a virtual machine, failed, lost sight of"


def test_what_is_asked_for_is_found_behind_more_jobs_than_a_list_takes(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    admin, vault = add_admin(plane).actor, add_vault(plane, "main")
    machine, now = add_machine(plane, vault, "alpha"), plane.clock.now()
    told = [("done", 0)] * (MOST + 100) + [("failed", 20), ("lost", 19), ("failed", 30)]
    given = {"vault_id": vault, "machine_id": machine.id, "kind": "backup", "origin": "schedule"}
    with plane.database.write() as db:
        for number, (state, age) in enumerate(told):
            at = now - timedelta(hours=age)
            rest = {"state": state, "arguments": {}, "progress": {}, "created_at": at}
            db.add(Job(id=f"job-{number}", **given, **rest))
    asked = JobsAsked(states=("failed", "lost"), hours=DAY)

    found = list_jobs(plane, admin, asked.filter(now), Window(limit=MOST))

    plane.database.close()
    assert [one.state for one in found.items] == ["lost", "failed"]


def test_reports_count_what_came_to_its_end_in_their_time(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    admin, vault = add_admin(plane).actor, add_vault(plane, "main")
    machine, now = add_machine(plane, vault, "alpha"), plane.clock.now()
    given = {"vault_id": vault, "machine_id": machine.id, "kind": "backup", "origin": "schedule"}
    with plane.database.write() as db:
        for name, ended in (("long", 1), ("before", 200), ("open", None)):
            rest = {"arguments": {}, "progress": {}, "created_at": now - timedelta(hours=210)}
            at = None if ended is None else now - timedelta(hours=ended)
            db.add(Job(id=name, state="failed" if at else "running", ended_at=at, **given, **rest))

    found = list_jobs(plane, admin, JobsAsked(is_over=True).filter(now), Window(limit=MOST))

    plane.database.close()
    assert [one.id for one in found.items] == ["long"]
