"""Two servers on one PostgreSQL: one is killed in mid-work, the other finishes it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.control import job_orders, jobs
from holdfast.app.control.plane import Plane
from holdfast.base.clock import SystemClock
from holdfast.catalog import workers
from holdfast.catalog.tables import Job
from holdfast.testing.planes import (
    Registered,
    Someone,
    add_admin,
    add_machine,
    add_vault,
    make_plane,
)
from holdfast.testing.postgres import Postgres
from holdfast.testing.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.real, pytest.mark.slow]

SLICES = 8
HELD = 3
PATIENCE = 90.0
# A server as far as workflows go. Its scrub takes some slices, and leaves a line for each. From the
# third on they last until they are let go, so that what is done meanwhile meets one at work.
SERVER = f"""
import os, sys, time, signal
from datetime import timedelta
from pathlib import Path
from holdfast.base.clock import SystemClock
from holdfast.catalog.tables import Job
from holdfast.server.workflows import engine, holding, working
from holdfast.testing.planes import make_plane

folder, url, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
deadly = len(sys.argv) > 4

def scrub(job_id):
    with holding.plane().database.read() as db:
        number = db.get(Job, job_id).progress.get("slices", 0) + 1
    with open(folder / f"{{job_id}}.log", "a") as log:
        log.write(f"begin {{number}} {{name}}\\n")
    if deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    while number >= {HELD} and (folder / "hold").exists():
        time.sleep(0.05)
    with open(folder / f"{{job_id}}.log", "a") as log:
        log.write(f"end {{number}} {{name}}\\n")
    return {{"slices": number, "is_over": number == {SLICES}}}

working.SLICES["scrub"] = scrub
plane = make_plane(folder / name, clock=SystemClock(), database_url=url)
limits = holding.Limits(beat=timedelta(seconds=0.3), dead=timedelta(seconds=8), beginnings=2)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
engine.start(plane, name, limits=limits)
print("ready", flush=True)
# No handler: one that met another at work on the same lock would wait for itself.
signal.sigwait([signal.SIGTERM])
engine.stop(patience=5)
"""


class Servers:
    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *, deadly: bool = False) -> None:
        words = [sys.executable, "-c", SERVER, str(self._folder), self._url, name]
        process = subprocess.Popen(
            [*words, *(["deadly"] if deadly else [])], stdout=subprocess.PIPE
        )
        self._running[name] = process
        assert process.stdout
        # A deadly one may die before it says so.
        assert process.stdout.readline() == b"ready\n" or deadly

    def send(self, name: str, number: int) -> None:
        self._running[name].send_signal(number)

    def end(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self._running.pop(name)
        process.send_signal(number)
        process.wait(PATIENCE)
        assert process.stdout
        process.stdout.close()

    def wait(self, name: str) -> None:
        """Until it has died by itself."""
        process = self._running.pop(name)
        process.wait(PATIENCE)
        assert process.stdout
        process.stdout.close()

    def end_all(self) -> None:
        for name in list(self._running):
            self.send(name, signal.SIGCONT)
            self.end(name)

    def log(self, job_id: str) -> list[list[str]]:
        path = self._folder / f"{job_id}.log"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def at_work(self, job_id: str) -> str | None:
        lines = self.log(job_id)
        return lines[-1][2] if lines else None

    def hold(self) -> None:
        """No further slice than this ends until `let_go`."""
        (self._folder / "hold").touch()

    def let_go(self) -> None:
        (self._folder / "hold").unlink()

    def held(self, job_id: str) -> str:
        """Who is in the slice that is held, as soon as somebody is."""
        wait_until(lambda: ["begin", str(HELD)] in [line[:2] for line in self.log(job_id)])
        return self.log(job_id)[-1][2]


@pytest.fixture
def plane(tmp_path: Path, postgres: Postgres) -> Iterator[Plane]:
    plane = make_plane(tmp_path / "me", clock=SystemClock(), database_url=postgres.new_database())
    yield plane
    plane.database.close()


@pytest.fixture
def servers(plane: Plane, tmp_path: Path) -> Iterator[Servers]:
    with ExitStack() as stack:
        url = plane.database.url.render_as_string(hide_password=False)
        servers = Servers(tmp_path, url)
        stack.callback(servers.end_all)
        yield servers


@pytest.fixture
def machine(plane: Plane) -> Registered:
    return add_machine(plane, add_vault(plane))


@pytest.fixture
def admin(plane: Plane) -> Someone:
    return add_admin(plane)


def _state(plane: Plane, job_id: str) -> str:
    with plane.database.read() as db:
        job = db.get(Job, job_id)
        assert job is not None
        return job.state


def _scrub(plane: Plane, admin: Someone, machine: Registered) -> str:
    return job_orders.order_job(plane, admin.actor, machine.id, kind="scrub", arguments={}).id


def _wait_for_progress(plane: Plane, job_id: str) -> None:
    """Until one more slice has ended and is noted, or all have."""
    before = _noted(plane, job_id)
    wait_until(lambda: _noted(plane, job_id) > before or _state(plane, job_id) == "done")


def _noted(plane: Plane, job_id: str) -> int:
    with plane.database.read() as db:
        return int(db.get_one(Job, job_id).progress.get("slices", 0))


def _assert_whole(servers: Servers, job_id: str, *, deaths: int) -> None:
    """Each slice once, in order; one that had ended unnoted when its server died once more."""
    ended = [int(number) for what, number, _name in servers.log(job_id) if what == "end"]
    assert ended == sorted(ended)
    assert sorted(set(ended)) == list(range(1, SLICES + 1))
    assert len(ended) <= SLICES + deaths


def test_killed_servers_work_is_finished_by_the_other_and_nothing_is_done_twice(
    plane: Plane, servers: Servers, admin: Someone, machine: Registered
) -> None:
    job = _scrub(plane, admin, machine)
    servers.hold()
    for name in ("one", "two"):
        servers.start(name)
    victim = servers.held(job)

    servers.end(victim)
    wait_until(lambda: servers.at_work(job) != victim)
    servers.let_go()
    wait_until(lambda: _state(plane, job) == "done")

    _assert_whole(servers, job, deaths=1)


def test_server_that_ends_in_order_hands_its_work_over(
    plane: Plane, servers: Servers, admin: Someone, machine: Registered
) -> None:
    job = _scrub(plane, admin, machine)
    servers.hold()
    for name in ("one", "two"):
        servers.start(name)
    first = servers.held(job)

    servers.send(first, signal.SIGTERM)
    servers.let_go()
    servers.end(first, signal.SIGTERM)
    wait_until(lambda: _state(plane, job) == "done")

    _assert_whole(servers, job, deaths=0)


def test_same_server_goes_on_however_often_it_is_restarted(
    plane: Plane, servers: Servers, admin: Someone, machine: Registered
) -> None:
    job = _scrub(plane, admin, machine)
    # More often than work may be begun without an end: this one comes to the end of slices.
    for _life in range(3):
        servers.start("one")
        _wait_for_progress(plane, job)
        servers.end("one")
    servers.start("one")
    wait_until(lambda: _state(plane, job) == "done")

    _assert_whole(servers, job, deaths=3)


def test_sleeper_that_wakes_up_does_not_begin_another_slice(
    plane: Plane, servers: Servers, admin: Someone, machine: Registered
) -> None:
    job = _scrub(plane, admin, machine)
    servers.hold()
    for name in ("one", "two"):
        servers.start(name)
    sleeper = servers.held(job)

    servers.send(sleeper, signal.SIGSTOP)
    wait_until(lambda: servers.at_work(job) != sleeper)
    before = len([line for line in servers.log(job) if line[2] == sleeper])
    servers.send(sleeper, signal.SIGCONT)
    servers.let_go()
    wait_until(lambda: _state(plane, job) == "done")

    after = [line for line in servers.log(job) if line[2] == sleeper]
    # The slice it slept in may come to its end; no other is begun.
    assert [what for what, _number, _name in after[before:]] in ([], ["end"])


def test_work_that_brings_down_every_server_is_given_up(
    plane: Plane, servers: Servers, admin: Someone, machine: Registered
) -> None:
    job = _scrub(plane, admin, machine)
    for _life in range(2):
        servers.start("one", deadly=True)
        servers.wait("one")

    servers.start("two", deadly=True)
    wait_until(lambda: _state(plane, job) == "failed")

    error = jobs.show_job(plane, admin.actor, job).error
    assert error
    assert error["code"] == "taken-over-too-often"
    assert [what for what, _number, _name in servers.log(job)] == ["begin", "begin"]


def test_offer_expires_although_the_server_that_watched_it_is_dead(
    plane: Plane, servers: Servers, admin: Someone, machine: Registered
) -> None:
    job = job_orders.order_job(
        plane, admin.actor, machine.id, kind="check", arguments={}, wait=timedelta(seconds=6)
    ).id
    for name in ("one", "two"):
        servers.start(name)
    wait_until(lambda: _owners(plane) == {"one", "two"})

    servers.end("one")
    wait_until(lambda: _state(plane, job) == "failed")

    error = jobs.show_job(plane, admin.actor, job).error
    assert error
    assert error["code"] == "machine-stayed-away"


def _owners(plane: Plane) -> set[str]:
    with plane.database.read() as db:
        return {row.executor_id for row in workers.every(db)}
