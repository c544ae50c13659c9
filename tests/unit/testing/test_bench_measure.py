"""Running a command: its time, its memory and its failure are seen."""

import sys
from pathlib import Path

import pytest

from bench.aside import aside
from bench.measure import Command, CommandFailed, run, wait_until, watched


def python(folder: Path, code: str) -> Command:
    return Command(argv=[sys.executable, "-c", code], env={"PATH": "/usr/bin"}, folder=folder)


def test_memory_of_one_process_is_its_peak(tmp_path: Path) -> None:
    usage = run(python(tmp_path, "x = b'x' * 100_000_000; del x"), tmp_path / "log")

    assert 100e6 < usage.peak_bytes < 200e6
    assert usage.seconds > 0


def test_memory_of_the_one_who_measures_is_not_counted(tmp_path: Path) -> None:
    ballast = b"x" * 150_000_000

    usage = run(python(tmp_path, ""), tmp_path / "log")

    assert len(ballast) == 150_000_000
    assert usage.peak_bytes < 50e6


def test_memory_of_a_family_is_the_sum_with_shared_pages_once(tmp_path: Path) -> None:
    # The parent holds 60 MB its child shares, the child 60 MB more: 120, not 180.
    child = "y = b'y' * 60_000_000; time.sleep(2)"
    code = f"""
import os, time
x = b'x' * 60_000_000
pid = os.fork()
if pid == 0:
    {child}
    os._exit(0)
os.waitpid(pid, 0)
"""

    usage = run(python(tmp_path, code), tmp_path / "log")

    assert 120e6 < usage.peak_bytes < 165e6


def test_failure_carries_status_and_output(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"status 3\n.*went wrong"):
        run(python(tmp_path, "print('went wrong'); raise SystemExit(3)"), tmp_path / "log")


def test_command_that_does_not_exist_is_a_failure(tmp_path: Path) -> None:
    command = Command(argv=["no-such-program"], env={"PATH": "/usr/bin"}, folder=tmp_path)

    with pytest.raises(CommandFailed, match="no-such-program"):
        run(command, tmp_path / "log")


def test_process_beside_the_block_is_stopped_after_it(tmp_path: Path) -> None:
    command = python(tmp_path, "import time; open('ready', 'w'); time.sleep(600)")

    with watched(command, tmp_path / "log", stop=True) as (process, usage):
        wait_until((tmp_path / "ready").exists, process)

    assert usage.seconds < 300


def test_process_that_ends_before_it_is_ready_is_a_failure(tmp_path: Path) -> None:
    with (
        pytest.raises(CommandFailed, match="did not become ready"),
        watched(python(tmp_path, ""), tmp_path / "log", stop=True) as (process, _),
    ):
        wait_until(lambda: False, process)


def test_function_aside_returns_its_result_and_its_error() -> None:
    assert aside(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        aside(divmod, 7, 0)
