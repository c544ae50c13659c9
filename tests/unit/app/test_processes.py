"""Hooks: their status counts, their time is limited, and no secret reaches them."""

from pathlib import Path

import pytest

from holdfast.app.processes import read_output, run_hook
from holdfast.app.setup_errors import HookFailed, HookTooSlow
from holdfast.base.programs import ToolMissing

CLEAN = {"PATH": "/usr/bin:/bin"}


def test_hook_sees_only_the_environment_it_is_given(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    run_hook(f"env > {seen}", environment={**CLEAN, "HOLDFAST_HOOK": "before"}, timeout=90)

    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert names <= {"PATH", "HOLDFAST_HOOK", "PWD", "SHLVL", "OLDPWD", "_"}


def test_failing_hook_says_its_last_words() -> None:
    with pytest.raises(HookFailed, match=r"status 3: .*no database"):
        run_hook("echo no database >&2; exit 3", environment=CLEAN, timeout=90)


def test_slow_hook_is_ended_with_its_children(tmp_path: Path) -> None:
    alive = tmp_path / "alive"

    with pytest.raises(HookTooSlow):
        run_hook(f"(sleep 60; touch {alive}) & wait", environment=CLEAN, timeout=0.2)

    assert not alive.exists()


def test_missing_program_is_named() -> None:
    with pytest.raises(ToolMissing, match="no-such-program"):
        read_output(["no-such-program"], environment=CLEAN)
