"""Jobs that nobody ends are ended, and their true end still counts."""

from datetime import timedelta

import pytest

from holdfast.app.control import job_orders, jobs
from holdfast.app.control.commands import open_commands, take_command
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.job_watch import SILENCE, give_up_forgotten, give_up_silent, look
from holdfast.app.control.plane import Plane
from holdfast.catalog.tables import Machine
from holdfast.fleet.messages import JobReport
from holdfast.testing.planes import (
    Registered,
    Someone,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def job(plane: Plane, machine: Registered, admin: Someone) -> str:
    return job_orders.order_job(
        plane, admin.actor, machine.id, kind="check", arguments={}, wait=HOUR
    ).id


def _say(plane: Plane, machine: Registered, job_id: str, number: int, state: str) -> None:
    report = JobReport(
        number=number,
        kind="check",
        origin="schedule",
        source="repository",
        state=state,
        created_at=plane.clock.now(),
        started_at=plane.clock.now(),
    )
    report_job(plane, machine.actor, job_id, report)


def _see(plane: Plane, machine: Registered, *, at_work: tuple[str, ...] | None = None) -> None:
    """A heartbeat; with `at_work` it says which jobs the machine has."""
    now = plane.clock.now()
    with plane.database.write() as db:
        row = db.get(Machine, machine.id)
        assert row is not None
        row.last_seen_at = now
        if at_work is not None:
            row.facts = {"running": list(at_work), "clock": now.isoformat()}


def test_job_whose_machine_does_not_come_ends_with_its_offer(
    plane: Plane, machine: Registered, admin: Someone, job: str
) -> None:
    before = look(plane, job)
    plane.clock.sleep(3600)

    after = look(plane, job)

    error = jobs.show_job(plane, admin.actor, job).error
    assert (before.state, after.state) == ("waiting", "failed")
    assert error
    assert error["code"] == "machine-stayed-away"
    assert "alpha" in error["message"]
    assert open_commands(plane, machine.actor, after=0).commands == []


def test_look_is_wanted_again_when_the_offer_ends_at_the_latest(plane: Plane, job: str) -> None:
    plane.clock.sleep(3600 - 60)

    assert look(plane, job).wait == pytest.approx(60)


def test_job_that_runs_does_not_end_with_its_offer(
    plane: Plane, machine: Registered, job: str
) -> None:
    (command,) = open_commands(plane, machine.actor, after=0).commands
    take_command(plane, machine.actor, command.number)
    _say(plane, machine, job, 1, "running")
    plane.clock.sleep(2 * 3600)

    assert look(plane, job).state == "running"


def test_running_job_of_a_silent_machine_is_lost_until_the_machine_tells_its_end(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    _see(plane, machine)
    _say(plane, machine, "abcd1234", 1, "running")
    plane.clock.sleep(SILENCE.total_seconds() + 1)

    lost = give_up_silent(plane)
    during = jobs.show_job(plane, admin.actor, "abcd1234")
    _say(plane, machine, "abcd1234", 2, "done")

    after = jobs.show_job(plane, admin.actor, "abcd1234")
    assert lost == 1
    assert (during.job.state, during.job.error_code) == ("lost", "machine-silent")
    assert (after.job.state, after.job.error_code) == ("done", None)


def test_job_of_a_machine_that_is_heard_of_is_left_alone(plane: Plane, machine: Registered) -> None:
    _say(plane, machine, "abcd1234", 1, "running")
    plane.clock.sleep(SILENCE.total_seconds() + 1)
    _see(plane, machine)

    assert give_up_silent(plane) == 0


def test_job_its_machine_knows_nothing_of_any_more_has_failed(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    _say(plane, machine, "abcd1234", 1, "running")
    _say(plane, machine, "efgh5678", 1, "running")
    plane.clock.sleep(120)
    _see(plane, machine, at_work=("efgh5678",))

    forgotten = give_up_forgotten(plane)
    during = jobs.show_job(plane, admin.actor, "abcd1234").job
    _say(plane, machine, "abcd1234", 2, "done")

    assert forgotten == 1
    assert (during.state, during.error_code) == ("failed", "job-forgotten")
    assert jobs.show_job(plane, admin.actor, "abcd1234").job.state == "done"
    assert jobs.show_job(plane, admin.actor, "efgh5678").job.state == "running"


def test_order_that_was_taken_and_forgotten_has_failed(
    plane: Plane, machine: Registered, admin: Someone, job: str
) -> None:
    (command,) = open_commands(plane, machine.actor, after=0).commands
    take_command(plane, machine.actor, command.number)
    plane.clock.sleep(120)
    _see(plane, machine, at_work=())

    assert give_up_forgotten(plane) == 1
    assert jobs.show_job(plane, admin.actor, job).job.error_code == "job-forgotten"


def test_order_that_waits_for_its_machine_is_not_forgotten(
    plane: Plane, machine: Registered, job: str
) -> None:
    plane.clock.sleep(120)
    _see(plane, machine, at_work=())

    assert give_up_forgotten(plane) == 0
    assert look(plane, job).state == "waiting"


def test_job_younger_than_what_the_machine_said_is_not_forgotten(
    plane: Plane, machine: Registered
) -> None:
    _see(plane, machine, at_work=())
    plane.clock.sleep(120)
    _say(plane, machine, "abcd1234", 1, "running")

    assert give_up_forgotten(plane) == 0


def test_job_that_is_gone_needs_no_watching(plane: Plane) -> None:
    assert look(plane, "unknown").is_over
