"""The workflow engine in one process, on SQLite and on PostgreSQL."""

import json
import sqlite3
import stat
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from dbos import DBOS

from holdfast.app.control import job_orders, jobs
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plane import Plane
from holdfast.base.clock import SystemClock
from holdfast.fleet.messages import JobReport
from holdfast.server import nudging
from holdfast.server.workflows import engine, upkeep
from holdfast.server.workflows.holding import workflow_of
from holdfast.testing.planes import (
    Registered,
    Someone,
    add_admin,
    add_machine,
    add_vault,
    make_plane,
)
from holdfast.testing.waiting import wait_until

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def plane(tmp_path: Path, database_url: str) -> Iterator[Plane]:
    plane = make_plane(tmp_path, clock=SystemClock(), database_url=database_url)
    engine.start(plane, "one")
    yield plane
    engine.stop(patience=5)
    plane.database.close()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = tmp_path / "store"
    store.mkdir()
    return store


@pytest.fixture
def machine(plane: Plane, store: Path) -> Registered:
    return add_machine(plane, add_vault(plane, location=str(store)))


@pytest.fixture
def admin(plane: Plane) -> Someone:
    return add_admin(plane)


def _order(plane: Plane, admin: Someone, machine: Registered, kind: str) -> str:
    job = job_orders.order_job(plane, admin.actor, machine.id, kind=kind, arguments={})
    nudging.nudge(job.id)
    return job.id


def _status(job_id: str) -> str | None:
    found = DBOS.get_workflow_status(workflow_of(job_id))
    return found.status if found else None


def _put(store: Path, machine: Registered, content: bytes, *, name: str | None = None) -> None:
    digest = name or sha256(content).hexdigest()
    file = store / machine.id / "data" / digest[:2] / digest
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def test_watching_ends_as_soon_as_the_machine_tells_the_end(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = _order(plane, admin, machine, "check")
    wait_until(lambda: _status(job) == "PENDING")

    report = JobReport(
        number=1,
        kind="check",
        origin="person",
        source="repository",
        state="done",
        created_at=plane.clock.now(),
    )
    report_job(plane, machine.actor, job, report)
    nudging.nudge(job)

    wait_until(lambda: _status(job) == "SUCCESS")


def test_watching_goes_on_after_an_orderly_restart(
    plane: Plane, machine: Registered, admin: Someone, caplog: pytest.LogCaptureFixture
) -> None:
    job = _order(plane, admin, machine, "check")
    wait_until(lambda: _status(job) == "PENDING")

    engine.stop(patience=1)
    engine.start(plane, "one")
    wait_until(lambda: _status(job) == "PENDING")
    job_orders.cancel_job(plane, admin.actor, job)
    nudging.nudge(job)

    wait_until(lambda: _status(job) == "SUCCESS")
    assert caplog.records == []


def test_watching_ends_with_a_cancelled_job(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = _order(plane, admin, machine, "check")
    wait_until(lambda: _status(job) == "PENDING")

    job_orders.cancel_job(plane, admin.actor, job)
    nudging.nudge(job)

    wait_until(lambda: _status(job) == "SUCCESS")


def test_job_that_was_written_down_without_a_word_is_found(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = job_orders.order_job(plane, admin.actor, machine.id, kind="check", arguments={})

    upkeep.every_minute(plane.clock.now(), None)

    wait_until(lambda: _status(job.id) == "PENDING")


def test_scrub_reads_what_is_stored(
    plane: Plane, machine: Registered, admin: Someone, store: Path
) -> None:
    for content in (b"one", b"two", b"three"):
        _put(store, machine, content)

    job = _order(plane, admin, machine, "scrub")

    wait_until(lambda: jobs.show_job(plane, admin.actor, job).job.state == "done")
    result = jobs.show_job(plane, admin.actor, job).result
    assert result
    assert (result["files"], result["damaged"]) == (3, [])


def test_scrub_that_finds_damage_says_which_file(
    plane: Plane, machine: Registered, admin: Someone, store: Path
) -> None:
    _put(store, machine, b"one")
    _put(store, machine, b"torn", name="ab" * 32)

    job = _order(plane, admin, machine, "scrub")

    wait_until(lambda: jobs.show_job(plane, admin.actor, job).job.state == "failed")
    error = jobs.show_job(plane, admin.actor, job).error
    assert error
    assert error["code"] == "stored-damage"
    assert "ab" * 32 in error["message"]


def test_every_schedule_can_be_walked_through(
    plane: Plane, machine: Registered, caplog: pytest.LogCaptureFixture
) -> None:
    for _name, act, _moments in upkeep.SCHEDULES:
        act(plane.clock.now(), None)

    failed = DBOS.list_workflows(status=["ERROR"])
    assert failed == []
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_schedules_are_the_engines(plane: Plane) -> None:
    known = {schedule["schedule_name"] for schedule in DBOS.list_schedules()}

    assert known == {name for name, _act, _moments in upkeep.SCHEDULES}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_database_of_workflows_is_private_and_holds_plain_json(
    plane: Plane, machine: Registered, admin: Someone, tmp_path: Path
) -> None:
    job = _order(plane, admin, machine, "check")
    wait_until(lambda: _status(job) == "PENDING")
    assert plane.database.url.database
    file = Path(plane.database.url.database).with_name("workflows.db")

    with sqlite3.connect(file) as db:
        (mode,) = db.execute("PRAGMA journal_mode").fetchone()
        rows = db.execute("SELECT inputs FROM workflow_status WHERE inputs IS NOT NULL").fetchall()
    db.close()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert mode == "wal"
    for (inputs,) in rows:
        json.loads(inputs)


def test_finished_workflows_are_forgotten_with_time(
    plane: Plane, machine: Registered, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.server.workflows import ordering

    job = _order(plane, admin, machine, "check")
    job_orders.cancel_job(plane, admin.actor, job)
    nudging.nudge(job)
    wait_until(lambda: _status(job) == "SUCCESS")

    kept = ordering.forget_finished()
    gone = ordering._forget_older(timedelta(seconds=-5))

    assert kept == 0
    assert gone >= 1
    assert _status(job) is None
