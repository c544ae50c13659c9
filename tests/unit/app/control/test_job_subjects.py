"""A job of an assignment is about its paths, not about an id that nobody knows by heart."""

from pathlib import Path

import pytest

from holdfast.app.control.alert_rules import list_alerts
from holdfast.app.control.assignments import AssignmentView
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.jobs import list_jobs, show_job
from holdfast.catalog.jobs import JobFilter
from holdfast.fleet.messages import JobReport
from holdfast.fleet.paging import Window
from tests.unit.app.control.policies_ground import Ground

JOB = "0123456789abcdef"


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


@pytest.fixture
def nightly(ground: Ground) -> AssignmentView:
    return ground.attached(ground.policy(name="nightly"), "/etc", "/srv")


def failed(ground: Ground, source: str) -> None:
    now = ground.clock.now()
    report = JobReport(
        number=1,
        kind="backup",
        origin="schedule",
        source=source,
        state="failed",
        created_at=now,
        ended_at=now,
        error={"code": "storage-full", "message": "The store is full", "remedy": "Make room."},
    )
    report_job(ground.plane, ground.machine.actor, JOB, report)


@pytest.mark.parametrize("is_assigned", [True, False])
def test_a_job_says_in_words_what_it_is_about(
    ground: Ground, nightly: AssignmentView, *, is_assigned: bool
) -> None:
    failed(ground, nightly.id if is_assigned else "/home")

    listed = list_jobs(ground.plane, ground.admin, JobFilter(), Window()).items[0]
    shown = show_job(ground.plane, ground.admin, JOB).job

    words = "/etc /srv (nightly)" if is_assigned else ""
    assert (listed.about, shown.about) == (words, words)


def test_so_does_the_alert_that_it_failed(ground: Ground, nightly: AssignmentView) -> None:
    failed(ground, nightly.id)

    alert = list_alerts(ground.plane, ground.admin, Window(), is_open=True).items[0]

    assert alert.sentence.startswith("The backup of /etc /srv (nightly) on ")
