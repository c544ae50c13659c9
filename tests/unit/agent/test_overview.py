"""What a person sees of the agent without asking it: its file, its journal, its policies."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.jobs import Job, started
from holdfast.agent.journal import Journal
from holdfast.agent.overview import look
from holdfast.agent.place import Place
from holdfast.agent.standing import Standing, StandingFile, process_of, read_standing
from holdfast.cli import agent_report
from holdfast.fleet.jobs import State
from holdfast.fleet.messages import AssignedPolicy, Assignments

from .conftest import NOON

Make = Callable[..., Job]


def _standing(**more: Any) -> Standing:
    given: dict[str, Any] = {
        "process": process_of(os.getpid()),
        "version": "0.0.1",
        "started_at": NOON,
        "connection": "online",
        "since": NOON,
        "trouble": None,
        "heard_at": NOON,
        "journal": None,
    }
    return Standing(**{**given, **more})


def test_home_without_an_agent_has_nothing_to_tell(tmp_path: Path) -> None:
    seen = look(str(tmp_path), NOON)

    assert seen.standing is None
    assert (seen.jobs, seen.runs, seen.undelivered) == ((), (), 0)
    assert agent_report.fields(seen)["agent"] == "never"
    assert os.listdir(tmp_path) == []


def test_word_of_a_process_that_ended_is_told_as_such(place: Place) -> None:
    mine = process_of(os.getpid())
    assert mine is not None
    alive, reused = _standing(), _standing(process=replace(mine, started=mine.started + 1))

    StandingFile(place.standing).tell(alive)
    first = read_standing(place.standing)
    StandingFile(place.standing).tell(reused)
    second = read_standing(place.standing)

    assert first == alive
    assert second == replace(alive, process=None)
    assert os.stat(place.standing).st_mode & 0o077 == 0


@pytest.mark.parametrize("kept", [0, 1, 40])
def test_a_torn_word_of_the_agent_is_no_word_and_the_next_one_counts(
    place: Place, kept: int
) -> None:
    StandingFile(place.standing).tell(_standing())
    file = Path(place.standing)
    file.write_bytes(file.read_bytes()[:kept])

    torn = look(place.home, NOON)
    StandingFile(place.standing).tell(_standing(connection="away"))
    whole = look(place.home, NOON)

    assert torn.standing is None
    assert agent_report.fields(torn)["agent"] == "never"
    assert whole.standing is not None
    assert whole.standing.connection == "away"


def test_an_agent_whose_word_cannot_be_written_goes_on(place: Place) -> None:
    Path(f"{place.standing}.part").mkdir()
    file = StandingFile(place.standing)

    file.tell(_standing())
    Path(f"{place.standing}.part").rmdir()
    file.tell(_standing())

    assert read_standing(place.standing) == _standing()


def test_jobs_not_over_and_reports_not_delivered_are_counted(
    place: Place, journal: Journal, make_job: Make
) -> None:
    journal.add(make_job("waits"))
    journal.add(make_job("runs", source="/srv"))
    running = journal.find("runs")
    assert running is not None
    journal.save(started(running, NOON))
    journal.add(make_job("over", state=State.DONE, ended_at=NOON))

    seen = look(place.home, NOON)

    assert {one.id: one.state for one in seen.jobs} == {
        "waits": State.WAITING,
        "runs": State.RUNNING,
    }
    assert (seen.undelivered, seen.waits_since) == (1, NOON)
    assert seen.journal_trouble is None


def test_next_runs_are_those_of_the_policies_on_the_disk(place: Place) -> None:
    policy = {"name": "daily", "schedule": "daily 02:00", "zone": "UTC"}
    AssignedPolicies(place.policies).replace(
        Assignments(etag="x", assignments=[_assigned("a", policy), _assigned("b", policy, True)])
    )

    seen = look(place.home, NOON)

    assert [(one.policy, one.at) for one in seen.runs] == [
        ("daily", NOON + timedelta(hours=14)),
        ("daily", None),
    ]
    assert seen.policies_of is not None


def test_damaged_journal_and_an_outdated_agent_are_warned_of(place: Place) -> None:
    Path(place.journal).write_bytes(b"no database at all" * 999)
    StandingFile(place.standing).tell(_standing())

    seen = look(place.home, NOON)

    assert seen.journal_trouble is not None
    assert len(agent_report.warnings(seen)) == 2
    assert Path(place.journal).read_bytes().startswith(b"no database")


def _assigned(name: str, policy: dict[str, Any], is_paused: bool = False) -> AssignedPolicy:
    return AssignedPolicy(
        id=name,
        policy_id="p",
        policy_name="daily",
        policy_version=1,
        policy=policy,
        paths=["/etc"],
        options={},
        is_paused=is_paused,
    )
