"""The journal forgets nothing that was written, and goes on where the disk does not."""

import contextlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal, Occurrence
from holdfast.agent.place import Place
from holdfast.fleet.jobs import State
from holdfast.fleet.messages import Line
from holdfast.fleet.retrying import LADDER

from .conftest import NOON

Make = Callable[..., Job]
OCCURRENCE = Occurrence(assignment="a1", what="backup", key="2026-01-01", at=NOON)


def test_job_is_read_back_by_the_next_agent(place: Place, journal: Journal, make_job: Make) -> None:
    given = {"arguments": {"paths": ["/etc"]}, "waits": (timedelta(seconds=90),)}
    journal.add(make_job(**given))
    journal.close()

    (job,) = Journal(place.journal, warn=print).open_jobs()

    assert job == make_job(**given, number=1)


def test_job_of_an_earlier_agent_waits_as_most_do(
    place: Place, journal: Journal, make_job: Make
) -> None:
    journal.add(make_job(waits=(timedelta(hours=1),)))
    journal.close()
    with contextlib.closing(sqlite3.connect(place.journal, isolation_level=None)) as db:
        (body,) = db.execute("SELECT body FROM jobs").fetchone()
        old = {**json.loads(body), "ladder": [1.0, 2.5]}
        del old["waits"]
        db.execute("UPDATE jobs SET body = ?", [json.dumps(old).encode()])

    (job,) = Journal(place.journal, warn=print).open_jobs()

    assert job.waits == LADDER


def test_same_job_is_taken_in_once(journal: Journal, make_job: Make) -> None:
    assert journal.add(make_job())

    assert not journal.add(make_job(source="/other"))


def test_one_occurrence_gets_one_job(journal: Journal, make_job: Make) -> None:
    assert journal.add(make_job("job-1"), OCCURRENCE)

    assert not journal.add(make_job("job-2"), OCCURRENCE)
    assert journal.find("job-2") is None
    assert journal.last_occurrence("a1", "backup") == NOON


def test_over_is_not_open(journal: Journal, make_job: Make) -> None:
    journal.add(make_job())

    journal.save(make_job(state=State.DONE))

    assert journal.open_jobs() == []


def test_newest_state_waits_until_it_is_delivered(journal: Journal, make_job: Make) -> None:
    journal.add(make_job())
    told = journal.unsaid("job-1")
    assert told is not None
    journal.save(make_job(), [Line(at=NOON, level="info", text="more")])

    journal.delivered(told)

    rest = journal.unsaid("job-1")
    assert journal.undelivered() == ["job-1"]
    assert rest is not None
    assert [line.text for line in rest.lines] == ["more"]
    assert not journal.delivered(rest)
    assert journal.undelivered() == []


def test_server_that_knows_more_hears_all_again(journal: Journal, make_job: Make) -> None:
    journal.add(make_job())
    told = journal.unsaid("job-1")
    assert told is not None
    journal.delivered(told)

    journal.say_again("job-1", above=41)

    again = journal.unsaid("job-1")
    assert journal.undelivered() == ["job-1"]
    assert again is not None
    assert again.job.number == 42


def test_damaged_journal_is_set_aside(place: Place, make_job: Make, warnings: list[str]) -> None:
    Path(place.journal).write_bytes(b"this is no database at all" * 100)

    journal = Journal(place.journal, warn=warnings.append)

    assert journal.add(make_job())
    assert journal.trouble is None
    assert len(warnings) == 1
    assert Path(f"{place.journal}.damaged").exists()
    journal.close()


def test_journal_goes_on_in_memory_and_returns(
    tmp_path: Path, make_job: Make, warnings: list[str]
) -> None:
    folder = tmp_path / "missing"
    journal = Journal(str(folder / "agent.db"), warn=warnings.append)

    assert journal.add(make_job())
    assert journal.trouble is not None
    assert "agent.db" in warnings[0]
    folder.mkdir()
    journal.return_to_disk()

    assert journal.trouble is None
    journal.close()
    assert Journal(str(folder / "agent.db"), warn=print).find("job-1") is not None


def test_refused_write_is_kept_in_memory(
    journal: Journal, make_job: Make, warnings: list[str]
) -> None:
    journal.add(make_job("job-1"))
    journal._db.execute("PRAGMA query_only = ON")

    assert journal.add(make_job("job-2"))

    assert [job.id for job in journal.open_jobs()] == ["job-1", "job-2"]
    assert len(warnings) == 1


def test_old_jobs_go_when_the_server_knows_them(journal: Journal, make_job: Make) -> None:
    for job_id in ("told", "untold", "open"):
        journal.add(make_job(job_id))
    journal.save(make_job("told", state=State.DONE))
    journal.save(make_job("untold", state=State.DONE))
    told = journal.unsaid("told")
    assert told is not None
    journal.delivered(told)

    journal.forget_before(NOON + timedelta(days=1))

    assert journal.find("told") is None
    assert journal.find("untold") is not None
    assert journal.find("open") is not None


def test_last_occurrence_is_never_forgotten(journal: Journal, make_job: Make) -> None:
    later = replace(OCCURRENCE, key="later", at=NOON + timedelta(hours=1))
    journal.add(make_job("job-1"), OCCURRENCE)
    journal.add(make_job("job-2"), later)

    journal.forget_before(NOON + timedelta(days=30))

    assert journal.last_occurrence("a1", "backup") == later.at


def test_journal_is_for_its_owner_only(place: Place, journal: Journal) -> None:
    assert Path(place.journal).stat().st_mode & 0o077 == 0


def test_file_is_a_sound_database(place: Place, journal: Journal, make_job: Make) -> None:
    journal.add(make_job())
    journal.close()

    db = sqlite3.connect(place.journal)

    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
