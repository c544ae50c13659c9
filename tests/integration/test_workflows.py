"""The workflow engine in one process, on SQLite and on PostgreSQL."""

import json
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS

from holdfast.app.control import job_orders, jobs
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plane import Plane
from holdfast.base.clock import SystemClock
from holdfast.catalog import beginnings
from holdfast.catalog.tables import Worker
from holdfast.fleet.messages import JobReport
from holdfast.server import nudging
from holdfast.server.workflows import engine, upkeep, working
from holdfast.server.workflows.holding import Held, Limits, workflow_of
from holdfast.server.workflows.takeover import Lookout
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

LIMITS = Limits(beginnings=2)


@pytest.fixture
def plane(tmp_path: Path, database_url: str) -> Iterator[Plane]:
    plane = make_plane(tmp_path, clock=SystemClock(), database_url=database_url)
    engine.start(plane, "one", limits=LIMITS)
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


def test_job_of_a_machine_is_watched_on_however_often_it_is_taken_over(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = _order(plane, admin, machine, "check")
    other = Lookout(Held(plane=plane, executor_id="two", limits=LIMITS))

    for _time in range(LIMITS.beginnings + 2):
        wait_until(lambda: _status(job) == "PENDING")
        wait_until(lambda: _rob(plane, other))
    job_orders.cancel_job(plane, admin.actor, job)
    nudging.nudge(job)

    wait_until(lambda: _status(job) == "SUCCESS")


def _rob(plane: Plane, other: Lookout) -> int:
    """The server "one" is taken for dead, at this very word of it."""
    seen_at = _seen_at(plane)
    return other.take_over("one", seen_at=seen_at) if seen_at else 0


def _seen_at(plane: Plane) -> datetime | None:
    with plane.database.read() as db:
        row = db.get(Worker, "one")
    return row.seen_at if row else None


def test_server_that_spoke_again_before_it_was_taken_over_keeps_its_work(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = _order(plane, admin, machine, "check")
    wait_until(lambda: _status(job) == "PENDING")
    heard = _seen_at(plane)
    assert heard
    wait_until(lambda: _seen_at(plane) != heard)

    taken = Lookout(Held(plane=plane, executor_id="two")).take_over("one", seen_at=heard)

    assert taken == 0
    assert _seen_at(plane) is not None


def test_work_that_broke_once_is_begun_anew(
    plane: Plane, machine: Registered, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(working.SLICES, "scrub", _break)
        job = _order(plane, admin, machine, "scrub")
        wait_until(lambda: _status(job) == "ERROR")

    upkeep.every_minute(plane.clock.now(), None)

    wait_until(lambda: jobs.show_job(plane, admin.actor, job).job.state == "done")


def test_work_that_breaks_each_time_is_given_up(
    plane: Plane, machine: Registered, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(working.SLICES, "scrub", _break)
    job = _order(plane, admin, machine, "scrub")

    for _time in range(LIMITS.beginnings):
        wait_until(lambda: _status(job) == "ERROR")
        upkeep.every_minute(plane.clock.now(), None)

    wait_until(lambda: jobs.show_job(plane, admin.actor, job).job.state == "failed")
    error = jobs.show_job(plane, admin.actor, job).error
    assert error
    assert error["code"] == "taken-over-too-often"


def _break(_job_id: str) -> dict[str, Any]:
    raise RuntimeError("as no code of ours should")


def test_work_left_in_order_is_no_beginning_without_an_end(
    plane: Plane, machine: Registered, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_in, may_end = threading.Event(), threading.Event()

    def hang(_job_id: str) -> dict[str, Any]:
        is_in.set()
        may_end.wait()
        return {"is_over": True}

    monkeypatch.setitem(working.SLICES, "scrub", hang)
    job = _order(plane, admin, machine, "scrub")
    assert is_in.wait(60)

    working.let_go()

    with plane.database.write() as db:
        assert beginnings.begin(db, job) == 0
    may_end.set()
    wait_until(lambda: jobs.show_job(plane, admin.actor, job).job.state == "done")


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
