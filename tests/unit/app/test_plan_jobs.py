"""A step as a process that outlives whoever has begun it, and what can be known of it afterwards."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from holdfast.app.plan_jobs import Job, JobState
from holdfast.base.clock import SystemClock
from holdfast.testing.waiting import wait_until

NOTHING: dict[str, str] = {}
_LAUNCHER = """
import os, sys
from pathlib import Path
from holdfast.app.plan_jobs import Job
Job(Path(sys.argv[1])).launch(["/bin/sh", "-c", sys.argv[2]], environment={})
os.kill(os.getpid(), 9)
"""


def launched(folder: Path, script: str, *, stdin: bytes = b"") -> Job:
    job = Job(folder)
    job.launch(["/bin/sh", "-c", script], environment=NOTHING, stdin=stdin)
    return job


def left_behind(folder: Path, script: str) -> Job:
    """Begun by a process that was killed at once."""
    words = [sys.executable, "-c", _LAUNCHER, str(folder), script]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    return Job(folder)


def test_what_it_says_and_how_it_ends_can_be_read(tmp_path: Path) -> None:
    job = launched(tmp_path / "job", "cat; echo done >&2; exit 7", stdin=b"told\n")

    wait_until(lambda: job.state() is JobState.ENDED)

    assert (job.status(), job.output()) == (7, b"told\ndone\n")


def test_it_goes_on_when_its_launcher_is_killed(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    job = left_behind(tmp_path / "job", f"echo begun; read line <{gate}; echo $line")

    wait_until(lambda: b"begun" in job.output())
    assert job.state() is JobState.RUNNING
    gate.write_text("over\n")
    wait_until(lambda: job.state() is JobState.ENDED)
    assert (job.status(), job.output()) == (0, b"begun\nover\n")


def test_it_is_not_begun_while_it_runs(tmp_path: Path) -> None:
    gate, times = tmp_path / "gate", tmp_path / "times"
    os.mkfifo(gate)
    script = f"echo x >>{times}; read line <{gate}"
    job = left_behind(tmp_path / "job", script)
    wait_until(times.exists)

    job.launch(["/bin/sh", "-c", script], environment=NOTHING)

    gate.write_text("over\n")
    wait_until(lambda: job.state() is JobState.ENDED)
    assert times.read_text() == "x\n"


def test_what_is_killed_as_a_whole_was_cut_off(tmp_path: Path) -> None:
    job = left_behind(tmp_path / "job", "echo begun; sleep 1000")
    wait_until(lambda: b"begun" in job.output())

    os.killpg(int((tmp_path / "job" / "began").read_text()), signal.SIGKILL)

    wait_until(lambda: job.state() is JobState.CUT_OFF)


def test_what_was_never_begun_is_known_as_such(tmp_path: Path) -> None:
    job = Job(tmp_path / "job")

    assert job.state() is JobState.NEVER


def test_it_is_ended_with_all_it_has_begun(tmp_path: Path) -> None:
    job = left_behind(tmp_path / "job", "trap '' TERM; sleep 1000 & echo begun; wait; sleep 1000")
    wait_until(lambda: b"begun" in job.output())

    job.end(SystemClock(), patience=0.5)

    assert job.state() in {JobState.CUT_OFF, JobState.ENDED}


def test_it_can_be_forgotten_and_begun_anew(tmp_path: Path) -> None:
    job = launched(tmp_path / "job", "exit 1")
    wait_until(lambda: job.state() is JobState.ENDED)

    job.forget()

    assert job.state() is JobState.NEVER
    job.launch(["/bin/true"], environment=NOTHING)
    wait_until(lambda: job.state() is JobState.ENDED)
    assert job.status() == 0


def test_a_program_that_is_not_there_is_an_end_like_any_other(tmp_path: Path) -> None:
    job = Job(tmp_path / "job")

    job.launch(["/no/such/program"], environment=NOTHING)

    wait_until(lambda: job.state() is JobState.ENDED)
    assert job.status() == 127
