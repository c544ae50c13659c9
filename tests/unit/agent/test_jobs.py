"""How a job goes from state to state."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from holdfast.agent.jobs import (
    Ending,
    Job,
    cancelled,
    ended,
    interrupted,
    next_wait,
    skipped,
    started,
)
from holdfast.fleet.jobs import Kind, State

from .conftest import NOON

Make = Callable[..., Job]
PASSING = {"code": "storage-unreachable", "retry": "later", "message": "no route"}
FINAL = {"code": "wrong-passphrase", "retry": "never", "message": "no"}


@pytest.mark.parametrize(
    ("status", "state"), [(0, State.DONE), (3, State.WARNINGS), (1, State.FAILED)]
)
def test_state_follows_the_exit_status(make_job: Make, status: int, state: State) -> None:
    job = ended(started(make_job(), NOON), Ending(status=status, error=FINAL), NOON)

    assert job.state is state
    assert job.ended_at == NOON


def test_passing_failure_waits_as_the_ladder_says(make_job: Make) -> None:
    minutes = []
    job = make_job(retries=7)
    for _try in range(7):
        job = ended(started(job, NOON), Ending(status=1, error=PASSING), NOON)
        assert job.next_try is not None
        minutes.append((job.next_try - NOON) / timedelta(minutes=1))

    assert minutes == [1, 2, 4, 8, 10, 30, 30]
    assert ended(started(job, NOON), Ending(status=1, error=PASSING), NOON).state is State.FAILED


def test_final_failure_is_not_tried_again(make_job: Make) -> None:
    job = ended(started(make_job(), NOON), Ending(status=12, error=FINAL), NOON)

    assert job.state is State.FAILED
    assert next_wait(job) is None


@pytest.mark.parametrize("code", ["storage-full", "killed"])
def test_what_passes_with_time_is_tried_again(make_job: Make, code: str) -> None:
    error = {"code": code, "retry": "never"}

    job = ended(started(make_job(), NOON), Ending(status=1, error=error), NOON)

    assert job.state is State.WAITING


def test_killed_process_is_told_as_such_and_tried_again(make_job: Make) -> None:
    job = ended(started(make_job(), NOON), Ending(status=None), NOON)

    assert job.state is State.WAITING
    assert job.error is not None
    assert job.error["code"] == "killed"


def test_damage_is_a_failure_that_no_repetition_mends(make_job: Make) -> None:
    job = started(make_job(kind=Kind.CHECK), NOON)

    job = ended(job, Ending(status=20, result={"damaged": True}), NOON)

    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["code"] == "damage"
    assert job.result == {"damaged": True}


def test_doctor_that_found_something_did_its_work(make_job: Make) -> None:
    job = started(make_job(kind=Kind.DOCTOR), NOON)

    assert ended(job, Ending(status=1, result={}), NOON).state is State.DONE


def test_cancelled_job_is_not_tried_again(make_job: Make) -> None:
    job = started(make_job(is_cancelled=True), NOON)

    assert ended(job, Ending(status=130, error=PASSING), NOON).state is State.CANCELLED
    assert cancelled(make_job(), NOON).state.is_over


def test_cancel_that_came_too_late_changes_nothing(make_job: Make) -> None:
    job = started(make_job(is_cancelled=True), NOON)

    assert ended(job, Ending(status=0, result={}), NOON).state is State.DONE


def test_interrupted_job_is_due_at_once_and_not_counted(make_job: Make) -> None:
    job = interrupted(started(make_job(), NOON), NOON)

    assert (job.state, job.next_try, job.attempts) == (State.WAITING, NOON, 0)


def test_skipped_job_says_since_when_the_other_works(make_job: Make) -> None:
    job = skipped(make_job("job-2"), started(make_job("job-1"), NOON), NOON)

    assert job.state is State.SKIPPED
    assert job.error is not None
    assert "2026-01-01 12:00:00" in job.error["message"]


def test_finding_of_the_doctor_comes_with_the_error(make_job: Make) -> None:
    finding = {"code": "HF-SC001", "sentence": "scratch is full"}
    error = {**FINAL, "finding": finding}

    job = ended(started(make_job(), NOON), Ending(status=1, error=error), NOON)

    assert job.finding == finding
