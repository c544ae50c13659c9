"""A job that cannot be told as a command ends before it has a process."""

import sys
from collections.abc import Callable

import pytest

from holdfast.agent.errors import ArgumentsNotUnderstood
from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal
from holdfast.agent.leases import Leases
from holdfast.agent.place import Place
from holdfast.agent.running import Program, Runner
from holdfast.agent.starting import Starter
from holdfast.app.vm_errors import VmNotProtected
from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.fleet.jobs import State

CLOCK = SystemClock()


@pytest.mark.parametrize(
    ("err", "state"),
    [
        (VmNotProtected(about="web"), State.SKIPPED),
        (ArgumentsNotUnderstood(kind="backup", reason="paths"), State.FAILED),
    ],
    ids=lambda one: getattr(one, "code", ""),
)
def test_what_is_not_wanted_any_more_is_left_out_and_what_is_not_understood_has_failed(
    place: Place,
    journal: Journal,
    make_job: Callable[..., Job],
    err: HoldfastError,
    state: State,
) -> None:
    def words_of(_job: Job) -> list[str]:
        raise err

    program = Program(words=[sys.executable], plain=[], environment={})
    runner = Runner(place, journal, program, clock=CLOCK, on_end=lambda _job: None)
    starter = Starter(journal, runner, Leases(), words_of=words_of, parallel=1, clock=CLOCK)
    journal.add(make_job())

    starter.start_due()

    job = journal.find("job-1")
    assert job is not None
    assert (job.state, (job.error or {}).get("code")) == (state, err.code)
    assert job.ended_at is not None
    assert runner.running == []
