"""Jobs are processes that outlive an agent's death, and end when they are told to."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal
from holdfast.agent.place import Place
from holdfast.agent.running import Program, Runner
from holdfast.base.clock import SystemClock
from holdfast.fleet.jobs import Kind, State
from holdfast.testing.waiting import wait_until

Make = Callable[..., Job]
# What `holdfast.cli.agent_child` does, with a program that is quick to start.
_GATED = """
import json, os, signal, sys, time
if os.read(0, 1) != b"+":
    sys.exit(0)
def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)
def stopped(*_):
    tell("error", code="interrupted", message="interrupted", retry="now")
    tell("exit", status=130)
    sys.exit(130)
signal.signal(signal.SIGTERM, stopped)
exec(sys.argv[1])
"""
FINE = "tell('progress', phase='backup', bytes_done=7); tell('backup-done', point='p'); tell('exit', status=0)"
LONG = "open(sys.argv[2], 'w').close(); time.sleep(600)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " + LONG


class Scene:
    def __init__(self, place: Place, journal: Journal, make_job: Make) -> None:
        self.place, self.journal, self.make_job = place, journal, make_job
        self.over: list[Job] = []
        self.runner = self.make_runner()

    def make_runner(self, **more: Any) -> Runner:
        program = Program(words=[sys.executable, "-c", _GATED], plain=[], environment={})
        return Runner(
            self.place,
            self.journal,
            program,
            clock=SystemClock(),
            on_end=self.over.append,
            **more,
        )

    def start(self, script: str, *words: str, **fields: Any) -> Job:
        job = self.make_job(**fields)
        self.journal.add(job)
        self.runner.start(job, [script, *words])
        return job

    def run(self) -> None:
        self.until(lambda: not self.runner.running)

    def until(self, reached: Callable[[], object]) -> None:
        def turn() -> bool:
            if reached():
                return True
            self.runner.tick()
            return bool(reached())

        wait_until(turn)

    @property
    def job(self) -> Job:
        job = self.journal.find("job-1")
        assert job is not None
        return job


@pytest.fixture
def scene(place: Place, journal: Journal, make_job: Make) -> Iterator[Scene]:
    scene = Scene(place, journal, make_job)
    yield scene
    for job in scene.runner.running:
        scene.runner.cancel(job)
    scene.until(lambda: not scene.runner.running)


def test_what_a_process_says_becomes_the_job(scene: Scene) -> None:
    scene.start(FINE)

    scene.run()

    assert scene.job.state is State.DONE
    assert scene.job.result == {"point": "p"}
    assert scene.job.progress == {"phase": "backup", "bytes_done": 7}
    assert [(step.name, step.state) for step in scene.job.steps] == [("backup", "done")]
    assert [job.id for job in scene.over] == ["job-1"]
    assert list(Path(scene.place.outputs).iterdir()) == []


def test_words_that_are_no_json_become_lines(scene: Scene) -> None:
    scene.start("print('plain words'); tell('warning', message='mind'); tell('exit', status=3)")

    scene.run()

    told = scene.journal.unsaid("job-1")
    assert told is not None
    assert [(line.level, line.text) for line in told.lines] == [
        ("info", "plain words"),
        ("warning", "mind"),
    ]
    assert scene.job.state is State.WARNINGS


def test_killed_process_will_be_tried_again(scene: Scene) -> None:
    scene.start("tell('progress', phase='backup'); os.kill(os.getpid(), 9)")

    scene.run()

    assert scene.job.state is State.WAITING
    assert scene.job.next_try is not None
    assert scene.over == []


def test_cancelled_job_ends(scene: Scene, tmp_path: Path) -> None:
    job = scene.start(LONG, str(tmp_path / "begun"))
    scene.until((tmp_path / "begun").exists)

    scene.runner.cancel(job)
    scene.run()

    assert scene.job.state is State.CANCELLED


def test_process_that_does_not_listen_is_killed_after_its_grace(
    scene: Scene, tmp_path: Path
) -> None:
    scene.runner = scene.make_runner(grace=0.1)
    job = scene.start(DEAF, str(tmp_path / "begun"))
    scene.until((tmp_path / "begun").exists)

    scene.runner.cancel(job)
    scene.run()

    assert scene.job.state is State.CANCELLED


def test_job_of_an_agent_that_ends_is_due_again(scene: Scene, tmp_path: Path) -> None:
    scene.start(LONG, str(tmp_path / "begun"))
    scene.until((tmp_path / "begun").exists)

    scene.runner.stop()
    scene.run()

    assert scene.job.state is State.WAITING
    assert scene.job.attempts == 0
    assert scene.over == []


def test_process_of_a_killed_agent_is_found_again(scene: Scene, tmp_path: Path) -> None:
    scene.start(
        "tell('progress', phase='backup')\n"
        "open(sys.argv[2], 'w').close()\n"
        "while not os.path.exists(sys.argv[3]): time.sleep(0.01)\n" + FINE.replace("; ", "\n"),
        str(tmp_path / "begun"),
        str(tmp_path / "go"),
    )
    scene.until((tmp_path / "begun").exists)
    first, scene.runner = scene.runner, scene.make_runner()

    scene.runner.take_over(scene.job)
    scene.runner.tick()
    assert [job.id for job in scene.runner.running] == ["job-1"]
    (tmp_path / "go").touch()
    # Nobody else can take leave of the dead process here, where the killed agent is ourselves.
    scene.until(lambda: all(child.launched.has_ended() for child in first._children.values()))  # type: ignore[union-attr]
    scene.run()

    assert scene.job.state is State.DONE
    assert scene.job.attempts == 1


def test_end_that_nobody_heard_is_read_later(scene: Scene, tmp_path: Path) -> None:
    scene.start(FINE + "; open(sys.argv[2], 'w').close()", str(tmp_path / "done"))
    wait_until((tmp_path / "done").exists)
    first, scene.runner = scene.runner, scene.make_runner()
    scene.until(lambda: all(child.launched.has_ended() for child in first._children.values()))  # type: ignore[union-attr]

    scene.runner.take_over(scene.job)
    scene.run()

    assert scene.job.state is State.DONE
    assert scene.job.result == {"point": "p"}


def test_job_that_died_before_its_process_began_is_due_at_once(scene: Scene) -> None:
    job = scene.make_job(state=State.RUNNING, attempts=1)
    scene.journal.add(job)

    scene.runner.take_over(job)

    assert scene.job.state is State.WAITING
    assert scene.job.attempts == 0


def test_process_whose_gate_never_opens_does_nothing(tmp_path: Path) -> None:
    import subprocess

    begun = tmp_path / "begun"
    words = [sys.executable, "-c", _GATED, LONG, str(begun)]

    done = subprocess.run(words, stdin=subprocess.DEVNULL, timeout=90, check=False)

    assert done.returncode == 0
    assert not begun.exists()


@pytest.mark.slow
def test_real_command_waits_at_its_gate_and_says_how_it_ended(scene: Scene) -> None:
    words = [sys.executable, "-m", "holdfast.cli.agent_child"]
    scene.runner = Runner(
        scene.place,
        scene.journal,
        Program(words=words, plain=[], environment={"HOLDFAST_HOME": scene.place.home}),
        clock=SystemClock(),
        on_end=scene.over.append,
    )
    job = scene.make_job(kind=Kind.CHECK)
    scene.journal.add(job)

    scene.runner.start(job, ["check", "--json"])
    scene.run()

    assert scene.job.state is State.FAILED
    assert scene.job.error is not None
    assert scene.job.error["code"] == "vault-not-named"
