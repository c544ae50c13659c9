"""What is old is forgotten; what is under way, or young, never."""

from datetime import timedelta

from holdfast.app.control import job_orders, jobs
from holdfast.app.control.cleaning import clean
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plane import Plane
from holdfast.catalog.jobs import JobFilter
from holdfast.catalog.tables import Replayed
from holdfast.fleet.messages import JobReport, Line
from holdfast.fleet.paging import Window
from holdfast.testing.planes import (
    Registered,
    Someone,
)


def _report(plane: Plane, machine: Registered, job_id: str, state: str) -> None:
    now = plane.clock.now()
    report = JobReport(
        number=1,
        kind="backup",
        origin="schedule",
        source=job_id,
        state=state,
        created_at=now,
        lines=[Line(at=now, level="info", text="a line")],
    )
    report_job(plane, machine.actor, job_id, report)


def test_logs_go_before_jobs_and_open_jobs_stay(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    _report(plane, machine, "over", "done")
    _report(plane, machine, "open", "running")

    plane.clock.sleep(timedelta(days=100).total_seconds())
    first = clean(plane)
    plane.clock.sleep(timedelta(days=800).total_seconds())
    second = clean(plane)

    left = jobs.list_jobs(plane, admin.actor, JobFilter(), Window())
    assert (first["lines"], first["jobs"]) == (1, 0)
    assert (second["lines"], second["jobs"]) == (0, 1)
    assert [job.id for job in left.items] == ["open"]


def test_offers_nobody_took_are_forgotten_with_time(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job_orders.order_job(plane, admin.actor, machine.id, kind="check", arguments={})

    early = clean(plane)
    plane.clock.sleep(timedelta(days=32).total_seconds())
    late = clean(plane)

    assert (early["commands"], late["commands"]) == (0, 1)


def test_answers_are_kept_for_a_day(plane: Plane) -> None:
    row = Replayed(caller="x", key="y", request_hash="z", created_at=plane.clock.now())
    with plane.database.write() as db:
        db.add(row)

    early = clean(plane)
    plane.clock.sleep(timedelta(days=1, seconds=1).total_seconds())
    late = clean(plane)

    assert (early["answers"], late["answers"]) == (0, 1)
