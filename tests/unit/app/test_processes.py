"""Hooks: their status counts, their time is limited, and no secret reaches them."""

from pathlib import Path

import pytest

from holdfast.app.processes import last_words, read_output, run_hook, run_tool
from holdfast.app.setup_errors import HookFailed, HookTooSlow, ToolMissing

CLEAN = {"PATH": "/usr/bin:/bin"}


def test_hook_sees_only_the_environment_it_is_given(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    run_hook(f"env > {seen}", environment={**CLEAN, "HOLDFAST_HOOK": "before"}, timeout=10)

    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert names <= {"PATH", "HOLDFAST_HOOK", "PWD", "SHLVL", "OLDPWD", "_"}


def test_failing_hook_says_its_last_words() -> None:
    with pytest.raises(HookFailed, match=r"status 3: .*no database"):
        run_hook("echo no database >&2; exit 3", environment=CLEAN, timeout=10)


def test_slow_hook_is_ended_with_its_children(tmp_path: Path) -> None:
    alive = tmp_path / "alive"

    with pytest.raises(HookTooSlow):
        run_hook(f"(sleep 60; touch {alive}) & wait", environment=CLEAN, timeout=0.2)

    assert not alive.exists()


def test_missing_program_is_named() -> None:
    with pytest.raises(ToolMissing, match="no-such-program"):
        run_tool(["no-such-program"], environment=CLEAN)
    with pytest.raises(ToolMissing, match="no-such-program"):
        read_output(["no-such-program"], environment=CLEAN)


def test_output_and_complaints_of_a_tool_come_together() -> None:
    done = run_tool(["sh", "-c", "echo one; echo two >&2; exit 4"], environment=CLEAN)

    assert (done.status, done.said) == (4, b"one\ntwo\n")


def test_last_words_fit_one_line() -> None:
    assert last_words(b"one\n\n two\n") == "one / two"
    assert len(last_words(b"x" * 5000)) <= 300
    assert last_words(b"") == "-"
