"""An agent killed again and again does each job once."""

import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.server_double import served
from holdfast.testing.waiting import wait_until
from tests.integration.test_agent import Machine

pytestmark = [pytest.mark.faults, pytest.mark.slow]

KILLS = 12
JOBS = [f"job-{number}" for number in range(4)]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with served() as server:
        machine = Machine(tmp_path, server)
        yield machine
        machine.close()


def test_agent_killed_at_random_moments_does_each_job_once(machine: Machine) -> None:
    chance = random.Random(4)
    for number, job_id in enumerate(JOBS):
        folder = machine.source / str(number)
        folder.mkdir()
        (folder / "file").write_text(job_id, encoding="utf-8")
        machine.server.offer("backup", job_id, paths=[str(folder)])

    for _kill in range(KILLS):
        machine.start()
        with pytest.raises(subprocess.TimeoutExpired):
            _process(machine).wait(timeout=chance.uniform(0.2, 2.5))
        machine.stop(signal.SIGKILL)
    machine.start()
    wait_until(lambda: all(machine.state_of(job_id) == "done" for job_id in JOBS))
    machine.stop()

    assert len(machine.points()) == len(JOBS)
    assert {path for point in machine.points() for path in point["paths"]} == {
        str(machine.source / str(number)) for number in range(len(JOBS))
    }
    assert list(Path(machine.place.outputs).iterdir()) == []
    machine.run("check")


def _process(machine: Machine) -> "subprocess.Popen[bytes]":
    assert machine.process is not None
    return machine.process
