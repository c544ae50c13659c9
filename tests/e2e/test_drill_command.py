"""`holdfast drill` where nothing is started: what was run is listed, shown and reported."""

from typing import Any

import pytest

from holdfast.recovery.checks.seen import CheckSeen
from holdfast.recovery.drills.drill import Drill, DrillRun, Objective
from holdfast.recovery.drills.drill_folder import DrillFolder
from holdfast.recovery.trial import TrialState
from tests.e2e.conftest import Bench
from tests.unit.recovery.trials import NOON, VM, trial


@pytest.fixture
def drilled(empty: Bench) -> Bench:
    """A machine that is drilled each month: it passed, failed, and was late."""
    folder = DrillFolder(str(empty.home), VM)
    objective = Objective(rpo=60, rto=30)
    folder.save(
        Drill(vm=VM, name="web", schedule="monthly 1st 03:00", objective=objective, set_at=NOON)
    )
    checks = (CheckSeen(text="tcp:22", kind="tcp", is_good=False, seconds=9, said="closed"),)
    failed: dict[str, Any] = {
        "state": TrialState.FAILURE,
        "message": "tcp:22: closed",
        "checks": checks,
    }
    runs: list[dict[str, Any]] = [{}, failed, {"seconds_to_up": 31.0}]
    for number, changes in enumerate(runs, 1):
        folder.save_run(DrillRun(trial=trial(number, **changes), objective=objective, host="south"))
    folder.save_picture(trial(3).id, b"\x89PNG")
    return empty


def test_drills_and_their_runs_are_listed(drilled: Bench) -> None:
    text = drilled.run("drill", "list")
    drill = drilled.run("drill", "list", "--json").event("drill")
    runs = drilled.run("drill", "list", "web", "--json").events

    assert "monthly 1st 03:00" in text.out
    assert (drill["runs"], drill["last_verdict"]) == (3, "objective-missed")
    assert [run["verdict"] for run in runs] == ["objective-missed", "failed", "passed"]


def test_run_is_shown_by_its_name_or_the_machines(drilled: Bench) -> None:
    text = drilled.run("drill", "show", "trial-002")
    newest = drilled.run("drill", "show", "web", "--json").event("drill-run")

    assert "tcp:22: closed" in text.out
    assert newest["run"] == "trial-003"
    assert newest["missed"] == ["rto"]
    assert newest["test"]["rto_seconds"] == 31


def test_report_is_a_page_in_the_language_asked_for(drilled: Bench) -> None:
    page = drilled.root / "page.html"

    said = drilled.run("drill", "report", "web", "--output", page, "--json", "--lang", "ko")

    assert said.event("drill-report")["file"] == str(page)
    content = page.read_text(encoding="utf-8")
    assert content.startswith("<!doctype html>")
    assert 'lang="ko"' in content
    assert "data:image/png;base64," in content


def test_schedule_is_ended_and_the_runs_stay(drilled: Bench) -> None:
    said = drilled.run("drill", "schedule", "web", "--never", "--json")

    assert said.event("drill")["schedule"] is None
    assert drilled.run("drill", "list", "--json").event("drill")["runs"] == 3


def test_what_is_not_there_is_said_with_a_way_on(drilled: Bench) -> None:
    missing = drilled.run("drill", "show", "mail", "--json", status=2).event("error")
    elsewhere = drilled.run("drill", "run", "mail", "--json", status=2).event("error")
    unscheduled = drilled.run("drill", "schedule", "mail", "--never", "--json", status=2)

    assert missing["code"] == "drill-run-missing"
    assert elsewhere["code"] == "recovery-no-replica-here"
    assert unscheduled.event("error")["code"] == "drill-missing"


@pytest.mark.parametrize(
    "words",
    [
        ("drill", "run", "web", "--check", "ping"),
        ("drill", "schedule", "web"),
        ("drill", "schedule", "web", "daily 03:00", "--never"),
        ("drill", "schedule", "web", "daily 03:00", "--zone", "Mars/Olympus"),
        ("failover", "web", "--planned", "--keep", "2h"),
    ],
)
def test_what_makes_no_sense_is_a_question_of_usage(drilled: Bench, words: tuple[str, ...]) -> None:
    drilled.run(*words, status=2)


def test_nothing_to_clean_up_is_no_error(drilled: Bench) -> None:
    assert "nothing" in drilled.run("failover", "cleanup").out
