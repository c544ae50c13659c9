"""`holdfast plan` on a host without replicas: what is read, kept, asked, gone on with and refused.

Its runs come as far as the first machine, of which there is no replica.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.app.plan_folder import PlanFolder, RunFolder
from holdfast.base.clock import SystemClock
from holdfast.recovery.plans.plan import Kind
from holdfast.recovery.plans.progress import Progress, StepState
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench

PLAN = """\
name: shop
rto: 15m
groups:
- name: one
  pre:
{actions}
  machines: [db1, {{vm: db2, needs: db1}}]
"""
QUIET = "  - script: 'true'"


def applied(bench: Bench, actions: str = QUIET) -> Path:
    file = bench.root / "shop.yaml"
    file.write_text(PLAN.format(actions=actions), encoding="utf-8")
    bench.run("plan", "apply", file)
    return file


def begun(bench: Bench, actions: str, kind: Kind = Kind.PLANNED) -> RunFolder:
    """A run that was begun where there were replicas, and was killed at once."""
    content = applied(bench, actions).read_bytes()
    plans = PlanFolder(str(bench.home), "shop")
    now = SystemClock().now()
    run = RunFolder(plans.path / "runs" / plans.new_run(SystemClock()))
    name = run.path.name
    run.begin(content, Progress(run=name, plan="shop", kind=kind, who="anna", begun_at=now))
    return run


@contextmanager
def resuming(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    process = bench.start("plan", "resume", "shop", "--json")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def state(run: RunFolder, step: str) -> StepState | None:
    at = run.progress().steps.get(step)
    return at.state if at else None


def test_what_is_wrong_with_a_file_is_told_by_line(empty: Bench) -> None:
    file = empty.root / "bad.yaml"
    file.write_text("name: shop\ngroups:\n- name: one\n  machnes: [a]\n", encoding="utf-8")

    text = empty.run("plan", "check", file, status=1)
    events = empty.run("plan", "check", file, "--json", status=1).events
    refused = empty.run("plan", "apply", file, status=2)

    assert f"{file}:4: 'machnes' is not known here" in text.out
    assert "Did you mean 'machines'?" in text.out
    assert [one["line"] for one in events if one["event"] == "plan-problem"] == [3, 4]
    assert events[-1]["plan"] is None
    assert "plan-wrong" in refused.err


def test_plan_is_taken_in_shown_and_forgotten(empty: Bench) -> None:
    file = applied(empty)

    again = empty.run("plan", "apply", file, "--json").event("plan-applied")
    shown = empty.run("plan", "show", "shop", "--kind", "test", "--json")
    listed = empty.run("plan", "list", "--json").event("plan-shown")
    empty.run("plan", "remove", "shop")

    assert again["changed"] is False
    steps = [one["step"] for one in shown.events if one["event"] == "plan-step"]
    assert steps == ["one/pre-1", "one/db1/start", "one/db2/start", "clean-up/db1", "clean-up/db2"]
    assert shown.event("plan-shown")["content"]["groups"][0]["name"] == "one"
    assert (listed["machines"], listed["last_run"]) == (2, None)
    assert empty.run("plan", "list", "--json").events == []
    assert "plan-unknown" in empty.run("plan", "show", "shop", status=2).err


def test_one_plan_that_does_not_read_hides_no_other(empty: Bench) -> None:
    applied(empty)
    spoiled = PlanFolder(str(empty.home), "spoiled")
    spoiled.put(b"name: spoiled\ngruops: []\n")

    for command in ("list", "status"):
        said = empty.run("plan", command, "--json", status=3)
        assert said.event("plan-shown")["plan"] == "shop"
        assert "plans/spoiled/plan.yaml, line 1" in said.event("warning")["message"]

    empty.run("plan", "remove", "spoiled")
    empty.run("plan", "list")


def test_a_dry_run_has_the_time_a_test_is_kept(empty: Bench) -> None:
    applied(empty)

    said = empty.run(
        "plan", "run", "shop", "--test", "--keep", "2h", "--dry-run", "--json", status=3
    )

    steps = [one["step"] for one in said.events if one["event"] == "plan-step"]
    assert steps[-3:] == ["hold", "clean-up/db1", "clean-up/db2"]


def test_machines_that_are_not_here_are_named_before_anything_is_begun(empty: Bench) -> None:
    applied(empty, "  - script: touch /no/such/folder/file")

    checked = empty.run("plan", "run", "shop", "--test", "--dry-run", "--json", status=3)
    refused = empty.run("plan", "run", "shop", "--test", status=1)

    machines = [one for one in checked.events if one["event"] == "plan-machine"]
    assert [one["vm"] for one in machines] == ["db1", "db2"]
    assert all(one["error"] for one in machines)
    assert "plan-machine-not-here" in refused.err
    assert "plan-never-ran" in empty.run("plan", "status", "shop", status=2).err


def test_what_a_run_asks_is_answered_from_elsewhere(empty: Bench) -> None:
    run = begun(empty, "  - confirm: Is it down?\n  - script: echo $HOLDFAST_PLAN_TYPE; cat")

    with resuming(empty) as process:
        wait_until(lambda: state(run, "one/pre-1") is StepState.RUNNING)
        shown = empty.run("plan", "status", "shop", "--json", status=3)
        second = empty.run("plan", "resume", "shop", status=11)
        unfit = empty.run("plan", "confirm", "shop", "--again", status=2)
        answered = empty.run("plan", "confirm", "shop", "--yes", "--json")
        out, _err = process.communicate(timeout=90)

    assert shown.event("plan-question")["answers"] == ["yes", "no"]
    assert "plan-runs" in second.err
    assert "plan-answer-unfit" in unfit.err
    assert answered.event("plan-answered")["driven"] is True
    assert process.returncode == 1
    events = [json.loads(line) for line in out.splitlines()]
    assert (events[-1]["event"], events[-1]["code"]) == ("error", "plan-did-not-succeed")
    told = (run.jobs / "0001-1" / "output").read_text(encoding="utf-8")
    assert told.startswith("planned\n{")
    assert '"plan": "shop"' in told
    assert run.progress().steps["one/db2/shut-down"].error == "plan-machine-not-here"
    assert (run.path / "report.html").exists()


def test_run_that_is_killed_takes_up_the_script_that_went_on(empty: Bench) -> None:
    gate, times = empty.root / "gate", empty.root / "times"
    gate.write_text("", encoding="utf-8")
    script = f"echo x >>{times}; while [ -e {gate} ]; do sleep 0.1; done; echo over"
    run = begun(empty, f"  - script: {script}")
    with resuming(empty) as process:
        wait_until(times.exists)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=90)

    left = empty.run("plan", "status", "shop", "--json", status=3).event("plan-run")
    with resuming(empty) as process:
        gate.unlink()
        process.communicate(timeout=90)

    assert (left["outcome"], left["driven"]) == (None, False)
    assert times.read_text(encoding="utf-8") == "x\n"
    assert run.progress().steps["one/pre-1"].said == "over"


def test_script_that_was_cut_off_is_asked_about_and_not_begun_anew(empty: Bench) -> None:
    times = empty.root / "times"
    run = begun(empty, f"  - script: echo x >>{times}; [ $(wc -l <{times}) = 2 ] || sleep 1000")
    with resuming(empty) as process:
        wait_until(times.exists)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=90)
    _cut_off(run.jobs / "0000-1")

    with resuming(empty) as process:
        wait_until(lambda: state(run, "one/pre-1") is StepState.FAILED)
        asked = empty.run("plan", "status", "shop", "--json", status=3).event("plan-question")
        empty.run("plan", "confirm", "shop", "--step", "one/pre-1", "--again")
        process.communicate(timeout=90)

    assert asked["answers"] == ["again", "go-on", "stop"]
    assert times.read_text(encoding="utf-8") == "x\nx\n"
    assert (state(run, "one/pre-1"), run.progress().steps["one/pre-1"].attempt) == ("done", 2)


def _cut_off(job: Path) -> None:
    """All of it, as when the host loses its power."""
    os.killpg(int((job / "began").read_text()), signal.SIGKILL)


def test_script_that_takes_too_long_is_ended(empty: Bench) -> None:
    actions = "  - {script: sleep 1000, timeout: 1s, on-failure: go-on}"
    run = begun(empty, actions)

    empty.run("plan", "resume", "shop", status=1)

    at = run.progress().steps["one/pre-1"]
    assert (at.state, at.error) == ("failed", "plan-step-too-slow")
    assert state(run, "one/db2/shut-down") is StepState.FAILED


def test_cancelled_run_ends_what_runs_and_begins_nothing(empty: Bench) -> None:
    run = begun(empty, "  - script: sleep 1000")
    with resuming(empty) as process:
        wait_until((run.jobs / "0000-1" / "began").exists)
        refused = empty.run("plan", "remove", "shop", status=11)

        empty.run("plan", "cancel", "shop")
        process.communicate(timeout=90)

    assert "plan-runs" in refused.err
    progress = run.progress()
    assert (progress.outcome, state(run, "one/pre-1")) == ("cancelled", "skipped")
    assert set(progress.steps) == {"one/pre-1"}
    assert "plan-run-ended" in empty.run("plan", "cancel", "shop", status=2).err


def test_run_that_nobody_drives_is_cancelled_where_it_is_said(empty: Bench) -> None:
    run = begun(empty, QUIET)

    held = empty.run("plan", "remove", "shop", status=1)
    other = empty.run("plan", "run", "shop", "--test", status=30)
    empty.run("plan", "cancel", "shop")

    assert "plan-has-open-run" in held.err
    assert "plan-run-under-way" in other.err
    assert run.progress().outcome == "cancelled"
    empty.run("plan", "remove", "shop")
