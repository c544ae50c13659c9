"""What machines tell about their jobs ends the same way, however the telling went."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from holdfast.app.control import job_orders, jobs
from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_errors import ReportWrong
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plane import Plane
from holdfast.fleet.messages import JobReport, Line, Step
from holdfast.fleet.paging import Window
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import (
    Registered,
    Someone,
    add_machine,
    add_vault,
)

JOB = "0123456789abcdef"
NOW = FakeClock().now()


def _report(number: int, state: str, *texts: str, **more: Any) -> JobReport:
    lines = [
        Line(at=NOW + timedelta(seconds=number, milliseconds=place), level="info", text=text)
        for place, text in enumerate(texts)
    ]
    return JobReport(
        number=number,
        kind="backup",
        origin="schedule",
        source="daily",
        state=state,
        created_at=NOW,
        lines=lines,
        **more,
    )


STORY = (
    _report(1, "running", "begun", steps=[Step(number=1, name="scan", state="running")]),
    _report(
        2,
        "running",
        "half",
        progress={"percent": 50},
        steps=[
            Step(number=1, name="scan", state="done"),
            Step(number=2, name="send", state="running"),
        ],
    ),
    _report(
        3,
        "done",
        "over",
        result={"point": "4f2a"},
        steps=[
            Step(number=1, name="scan", state="done"),
            Step(number=2, name="send", state="done"),
        ],
    ),
)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_order_of_arrival_does_not_matter(
    plane: Plane, machine: Registered, admin: Someone, order: tuple[int, ...]
) -> None:
    for place in order:
        report_job(plane, machine.actor, JOB, STORY[place])

    told = jobs.show_job(plane, admin.actor, JOB)
    log = jobs.job_lines(plane, admin.actor, JOB, Window())
    assert (told.job.state, told.result) == ("done", {"point": "4f2a"})
    assert [(step.name, step.state) for step in told.steps] == [("scan", "done"), ("send", "done")]
    assert sorted(line.text for line in log.items) == ["begun", "half", "over"]


def test_same_report_twice_changes_nothing(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    for report in (*STORY, *STORY):
        report_job(plane, machine.actor, JOB, report)

    log = jobs.job_lines(plane, admin.actor, JOB, Window())
    assert [line.text for line in log.items] == ["begun", "half", "over"]


def test_lines_whose_answer_was_lost_are_not_written_twice(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    report_job(plane, machine.actor, JOB, STORY[0])
    both = replace(STORY[1], lines=[*STORY[0].lines, *STORY[1].lines])

    report_job(plane, machine.actor, JOB, both)

    log = jobs.job_lines(plane, admin.actor, JOB, Window())
    assert [line.text for line in log.items] == ["begun", "half"]


def test_reply_says_which_number_the_server_has(plane: Plane, machine: Registered) -> None:
    report_job(plane, machine.actor, JOB, STORY[2])

    reply = report_job(plane, machine.actor, JOB, STORY[0])

    assert reply.number == 3


def test_machine_cannot_speak_of_the_job_of_another(plane: Plane, machine: Registered) -> None:
    other = add_machine(plane, add_vault(plane, "other"), "beta")
    report_job(plane, machine.actor, JOB, STORY[0])

    with pytest.raises(NotThere):
        report_job(plane, other.actor, JOB, STORY[1])


def test_job_that_was_given_up_is_what_its_machine_says_in_the_end(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    report_job(plane, machine.actor, JOB, STORY[0])
    _mark_lost(plane)

    report_job(plane, machine.actor, JOB, STORY[2])

    assert jobs.show_job(plane, admin.actor, JOB).job.state == "done"


def test_running_job_learns_from_the_answer_that_it_shall_stop(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    before = report_job(plane, machine.actor, JOB, STORY[0])
    job_orders.cancel_job(plane, admin.actor, JOB)

    during = report_job(plane, machine.actor, JOB, STORY[1])
    after = report_job(plane, machine.actor, JOB, _report(4, "cancelled"))

    assert [before.cancel, during.cancel, after.cancel] == [False, True, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "scrub"},
        {"kind": "mischief"},
        {"state": "lost"},
        {"state": "odd"},
        {"steps": [Step(number=1, name="one", state="odd")]},
    ],
    ids=str,
)
def test_report_that_no_job_can_give_is_refused(
    plane: Plane, machine: Registered, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ReportWrong):
        report_job(plane, machine.actor, JOB, replace(STORY[0], **wrong))


@pytest.mark.parametrize("job_id", ["", "a/b", "../../x", "x" * 65], ids=repr)
def test_job_id_is_a_short_plain_word(plane: Plane, machine: Registered, job_id: str) -> None:
    with pytest.raises(NotThere):
        report_job(plane, machine.actor, job_id, STORY[0])


def _mark_lost(plane: Plane) -> None:
    from holdfast.catalog import jobs as job_rows

    with plane.database.write() as db:
        job = job_rows.locked(db, JOB)
        assert job is not None
        job.state = "lost"
