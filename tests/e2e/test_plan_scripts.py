"""Scripts that a host's own administrator lets plans run: by a plan of the host and by a server's."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.plan_packing import packed
from holdfast.recovery.plans.progress import StepState
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.test_plan_command import applied, begun, resuming

CONTEXT = {
    "version": 1,
    "plan": "shop",
    "run": "r1",
    "type": "test",
    "direction": "to-recovery",
    "group": "one",
    "group_number": 1,
    "step": "one/pre-1",
    "machine": None,
    "point": "latest",
    "machines": {},
}


def script(bench: Bench, text: str, name: str = "look", mode: int = 0o755) -> Path:
    path = bench.home / "plan-scripts" / name
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(mode)
    return path


def task(**more: Any) -> str:
    """As an agent passes on what a server has ordered."""
    told = {"run": "r1", "step": "one/pre-1", "attempt": 1, "kind": "host-script"}
    told |= {"script": "look", "context": json.dumps(CONTEXT), "timeout": 90}
    return f"--task={packed({**told, **more})}"


def cut_off(bench: Bench) -> None:
    """All of it, as when the host loses its power."""
    (folder,) = (bench.home / "plans-of-server").glob("*")
    wait_until((folder / "began").exists)
    os.killpg(int((folder / "began").read_text()), signal.SIGKILL)


def test_a_plan_names_a_script_of_its_host(empty: Bench) -> None:
    script(empty, 'echo "$HOLDFAST_PLAN $HOLDFAST_PLAN_STEP $#"; cat >/dev/null')
    run = begun(empty, "  - host-script: look")

    with resuming(empty) as process:
        process.communicate(timeout=90)

    at = run.progress().steps["one/pre-1"]
    assert (at.state, at.said) == (StepState.DONE, "shop one/pre-1 0")


def test_what_is_not_there_or_open_to_others_is_not_run(empty: Bench) -> None:
    script(empty, "true", mode=0o777)
    script(empty, "true", name="quiet", mode=0o644)
    (empty.home / "plan-scripts" / "elsewhere").symlink_to("/bin/true")
    names = ("none", "look", "quiet", "elsewhere")
    actions = "\n".join(f"  - {{host-script: {one}, on-failure: go-on}}" for one in names)
    file = applied(empty, f"{actions}\n  - {{host-script: quiet, host: kvm9}}")

    said = empty.run("plan", "check", file, "--here", "--json", status=3)
    text = empty.run("plan", "check", file, "--here", status=3)
    run = begun(empty, actions)
    empty.run("plan", "resume", "shop", status=1)

    seen = [one["error"] for one in said.events if one["event"] == "plan-script"]
    assert seen == [
        "plan-script-missing",
        *("plan-script-open", "plan-script-open", "plan-script-open"),
        "plan-script-elsewhere",
    ]
    assert f"install -D -m 0755 SCRIPT {empty.home}/plan-scripts/none" in text.out
    assert [run.progress().steps[f"one/pre-{number}"].error for number in (1, 2, 3, 4)] == seen[:4]


def test_an_agent_begins_an_action_once_and_is_told_how_it_ended_again(empty: Bench) -> None:
    times = empty.root / "times"
    script(empty, f'echo x >>{times}; grep -c \'"plan": "shop"\' $HOLDFAST_PLAN_CONTEXT')

    first = empty.run("plan", "action", "--json", task())
    again = empty.run("plan", "action", "--json", task())
    other = empty.run("plan", "action", "--json", task(attempt=2))

    assert [one.event("plan-acted")["said"] for one in (first, again, other)] == ["1"] * 3
    assert times.read_text(encoding="utf-8") == "x\nx\n"


@pytest.mark.parametrize("is_repeatable", [False, True], ids=["once", "repeatable"])
def test_what_was_cut_off_is_begun_anew_only_where_the_plan_says_so(
    empty: Bench, is_repeatable: bool
) -> None:
    times = empty.root / "times"
    script(empty, f"echo x >>{times}; [ $(wc -l <{times}) = 2 ] || sleep 1000")
    word = task(repeatable=is_repeatable)
    process = empty.start("plan", "action", "--json", word)
    wait_until(times.exists)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=90)
    cut_off(empty)

    said = empty.run("plan", "action", "--json", word, status=0 if is_repeatable else 1)

    errors = [one["code"] for one in said.events if one["event"] == "error"]
    assert errors == ([] if is_repeatable else ["plan-action-interrupted"])
    assert times.read_text(encoding="utf-8") == ("x\nx\n" if is_repeatable else "x\n")


def test_an_agents_child_that_died_takes_up_the_script_that_went_on(empty: Bench) -> None:
    gate, times = empty.root / "gate", empty.root / "times"
    gate.write_text("", encoding="utf-8")
    script(empty, f"echo x >>{times}; while [ -e {gate} ]; do sleep 0.1; done; echo over")
    process = empty.start("plan", "action", "--json", task())
    wait_until(times.exists)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=90)

    gate.unlink()
    said = empty.run("plan", "action", "--json", task())

    assert said.event("plan-acted")["said"] == "over"
    assert times.read_text(encoding="utf-8") == "x\n"


def test_told_to_stop_it_ends_the_script(empty: Bench) -> None:
    ended = empty.root / "ended"
    script(empty, f"trap 'echo x >{ended}; exit 1' TERM; sleep 1000 & wait")
    process = empty.start("plan", "action", "--json", task())
    wait_until(lambda: list((empty.home / "plans-of-server").glob("*/began")))

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=90)

    assert process.returncode != 0
    wait_until(ended.exists)


def test_what_takes_too_long_and_what_ends_badly_is_said(empty: Bench) -> None:
    script(empty, "sleep 1000")
    script(empty, "echo no such name; exit 4", name="bad")

    slow = empty.run("plan", "action", "--json", task(timeout=1), status=1)
    bad = empty.run("plan", "action", "--json", task(script="bad", step="s"), status=1)
    path = empty.run("plan", "action", task(script="../bad"), status=2)

    assert slow.event("error")["code"] == "plan-step-too-slow"
    assert "no such name" in bad.event("error")["message"]
    assert "scripts of a host are named" in path.err
