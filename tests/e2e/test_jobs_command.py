"""`holdfast jobs` on a machine of its own."""

from datetime import UTC, datetime
from pathlib import Path

from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal
from holdfast.app.server_errors import NotLoggedInHere
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.messages import Line
from tests.e2e.conftest import Bench

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_commands_of_this_machine_are_listed_newest_first(filled: Bench) -> None:
    filled.run("backup", filled.source, "--vault", filled.root / "nowhere", status=10)

    said = filled.run("jobs", "--json")

    first, second = said.events
    assert (first["kind"], first["state"], first["error"]) == ("backup", "failed", "place-missing")
    assert (second["kind"], second["state"]) == ("backup", "done")


def test_failed_command_is_told_with_its_remedy(bench: Bench) -> None:
    bench.run("backup", bench.source, "--vault", bench.root / "nowhere", status=10)
    (listed,) = bench.run("jobs", "--json").events

    text = bench.run("jobs", listed["id"]).out
    event = bench.run("jobs", "show", listed["id"], "--json").event("job-detail")

    assert "does not exist" in text
    assert "holdfast vault create" in text
    assert event["error"]["code"] == "place-missing"


def test_jobs_of_the_agent_are_there_with_their_log(bench: Bench) -> None:
    _work_as_agent(bench.home)

    (listed,) = bench.run("jobs", "--json").events
    detail = bench.run("jobs", "abcd", "--follow", "--json").event("job-detail")
    text = bench.run("jobs", "abcd").out

    assert (listed["id"], listed["kind"], listed["state"]) == ("abcd1234", "check", "done")
    assert detail["job"]["id"] == "abcd1234"
    assert "all is well" in text


def test_a_job_of_a_policy_is_about_that_policy(bench: Bench) -> None:
    (bench.home / "agent").mkdir(parents=True)
    journal = Journal(str(bench.home / "agent" / "agent.db"), warn=print)
    by = {"assignment": "6f0c0ffee0", "policy": "nightly"}
    journal.add(
        Job(
            id="abcd1234",
            kind=Kind.BACKUP,
            source="6f0c0ffee0",
            origin="schedule",
            created_at=NOON,
            arguments=by,
        )
    )
    journal.close()

    assert bench.run("jobs", "--json").event("job")["about"] == "nightly"
    assert "nightly" in bench.run("jobs").out


def test_list_is_narrowed(filled: Bench) -> None:
    _work_as_agent(filled.home)

    checks = filled.run("jobs", "--kind", "check", "--json").events
    recent = filled.run("jobs", "--since", "1d", "--json").events
    one = filled.run("jobs", "--latest", "1", "--json").events

    assert [job["kind"] for job in checks] == ["check"]
    assert [job["kind"] for job in recent] == ["backup"]
    assert len(one) == 1


def test_orders_need_a_server(bench: Bench) -> None:
    for words in (["cancel", "abcd"], ["retry", "abcd"], ["run", "web1", "check"]):
        said = bench.run("jobs", *words, "--json", status=1)

        assert said.event("error")["code"] == NotLoggedInHere.code


def test_unknown_job_is_said_so(bench: Bench) -> None:
    said = bench.run("jobs", "nonsense", "--json", status=1)

    assert said.event("error")["code"] == "job-unknown"


def _work_as_agent(home: Path) -> None:
    folder = home / "agent"
    folder.mkdir(parents=True)
    journal = Journal(str(folder / "agent.db"), warn=print)
    job = Job(
        id="abcd1234", kind=Kind.CHECK, source="repository", origin="schedule", created_at=NOON
    )
    journal.add(job)
    done = Job(
        id="abcd1234",
        kind=Kind.CHECK,
        source="repository",
        origin="schedule",
        created_at=NOON,
        started_at=NOON,
        ended_at=NOON,
        state=State.DONE,
    )
    journal.save(done, [Line(at=NOON, level="info", text="all is well")])
    journal.close()
