"""What a job's process says becomes the job's steps."""

import json
from datetime import timedelta
from typing import Any

from holdfast.agent.hearing import Heard

from .conftest import NOON


def _line(**event: Any) -> bytes:
    return json.dumps(event).encode() + b"\n"


def _step(name: str, state: str, **more: Any) -> bytes:
    return _line(event="vm-step", vm="web", step=name, state=state, at="…", **more)


def test_steps_with_names_have_states_of_their_own() -> None:
    heard = Heard()

    heard.take(_step("preflight", "running"), NOON)
    heard.take(_step("preflight", "done", said="disks: 2"), NOON + timedelta(seconds=2))
    heard.take(_step("agent", "running"), NOON + timedelta(seconds=2))
    heard.take(_step("agent", "left-out", said="it is silent"), NOON + timedelta(seconds=3))
    heard.take(_step("extension", "running"), NOON + timedelta(seconds=3))

    assert [(one.number, one.name, one.state, one.detail) for one in heard.steps] == [
        (1, "preflight", "done", {"said": "disks: 2"}),
        (2, "agent", "skipped", {"said": "it is silent"}),
        (3, "extension", "running", {}),
    ]
    assert heard.steps[0].started_at == NOON
    assert heard.steps[0].ended_at == NOON + timedelta(seconds=2)


def test_a_step_that_is_open_at_the_end_ends_as_its_job() -> None:
    heard = Heard()

    heard.take(_step("first-backup", "running") + _line(event="exit", status=0), NOON)
    heard.finish(NOON)

    assert [one.state for one in heard.steps] == ["done"]


def test_a_failed_step_says_why() -> None:
    heard = Heard()

    heard.take(_step("agent", "running"), NOON)
    heard.take(_step("agent", "failed", said="no", error="vm-less-consistent"), NOON)
    heard.finish(NOON)

    assert heard.steps[0].detail == {"said": "no", "error": "vm-less-consistent"}
    assert heard.steps[0].state == "failed"


def test_first_copy_is_a_step_with_progress_and_not_two() -> None:
    heard = Heard()
    told = {"event": "replication-step", "vm": "web", "step": "initial-copy", "at": "…"}

    heard.take(_line(**told, state="running"), NOON)
    heard.take(_line(event="progress", phase="replicate", bytes_done=7, bytes_total=9), NOON)
    heard.take(_line(**told, state="done"), NOON + timedelta(seconds=2))

    assert [(one.name, one.state) for one in heard.steps] == [("initial-copy", "done")]
    assert heard.progress["bytes_done"] == 7
