"""The agent as a process: by its schedule and by commands, through outages, kills and restarts."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.journal import Journal
from holdfast.agent.place import Place
from holdfast.app.agent_folder import AgentFolder
from holdfast.app.registration_state import Registration, write_registration
from holdfast.fleet.messages import AssignedPolicy, Assignments
from holdfast.testing.agent_program import HOLDFAST, AgentProgram
from holdfast.testing.server_double import ServerDouble, served
from holdfast.testing.waiting import wait_until

PASSPHRASE = "correct horse battery staple"
# So seldom that no other run falls due while a test lasts.
POLICY = {"name": "often", "schedule": "every 31d", "retention": ["last 1"]}

pytestmark = pytest.mark.slow


class Machine(AgentProgram):
    """A registered machine with its vault in a folder, and a server that is a double."""

    def __init__(self, root: Path, server: ServerDouble) -> None:
        super().__init__(root, root / "home")
        self.server = server
        self.home, self.source, self.vault = root / "home", root / "source", root / "vault"
        self.source.mkdir()
        (self.source / "file").write_text("content", encoding="utf-8")
        self._configure()
        self.register(server.url)

    def _configure(self) -> None:
        self.home.mkdir(mode=0o700)
        passphrase = self.root / "passphrase"
        passphrase.write_text(PASSPHRASE, encoding="utf-8")
        passphrase.chmod(0o600)
        config = f'vault = "{self.vault}"\npassphrase-file = "{passphrase}"\n'
        (self.home / "config.toml").write_text(config, encoding="utf-8")
        self.run("vault", "create", str(self.vault))

    def register(self, server: str) -> None:
        folder = AgentFolder.of(str(self.home))
        folder.make()
        registration = Registration(
            machine_id="m1",
            vault_id="v1",
            vault_name="main",
            name="web1",
            server=server,
            gateway_path="/gateway/v1/m1",
            key_fingerprint="00",
        )
        write_registration(folder, registration)

    def assign(self, *, is_due: bool = True, **policy: Any) -> None:
        """An assignment; due: as if the server had given it before the newest moment of its schedule."""
        assigned = AssignedPolicy(
            id="a1",
            policy_id="p1",
            policy_name="often",
            policy_version=1,
            policy={**POLICY, **policy},
            paths=[str(self.source)],
            options={},
            is_paused=False,
        )
        self.place.prepare()
        AssignedPolicies(self.place.policies).replace(
            Assignments(etag="none", assignments=[assigned])
        )
        journal = Journal(self.place.journal, warn=print)
        since = datetime.now(UTC) - timedelta(days=32 if is_due else 0)
        journal.remember("since:a1", since.isoformat())
        journal.close()

    @property
    def place(self) -> Place:
        return Place(str(self.home))

    def points(self) -> list[dict[str, Any]]:
        lines = self.run("points", "--json").splitlines()
        return [json.loads(line) for line in lines]

    def hold_up(self) -> None:
        """From now on nothing may be sent, so that a backup that began stays where it is."""
        self._set_rate("0")

    def let_go(self) -> None:
        self._set_rate(None)

    def _set_rate(self, rate: str | None) -> None:
        policies = AssignedPolicies(self.place.policies)
        (one,) = policies.all
        changed = replace(one, policy={**one.policy, "bandwidth": {"default": rate}})
        policies.replace(Assignments(etag="none", assignments=[changed]))
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)

    def is_running(self, kind: str) -> bool:
        return any(report["state"] == "running" for report in self.told(kind))

    def state_of(self, job_id: str) -> str | None:
        told = [report for name, report in self.server.reports if name == job_id]
        return str(told[-1]["state"]) if told else None

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The newest report of each job of a kind."""
        newest = dict(self.server.reports)
        return [report for report in newest.values() if report["kind"] == kind]


@pytest.fixture
def server() -> Iterator[ServerDouble]:
    with served() as double:
        yield double


@pytest.fixture
def machine(tmp_path: Path, server: ServerDouble) -> Iterator[Machine]:
    machine = Machine(tmp_path, server)
    yield machine
    machine.close()
    # Shown with a test that failed.
    sys.stderr.write(machine.log())


def _is_done(machine: Machine, kind: str) -> bool:
    return any(report["state"] == "done" for report in machine.told(kind))


def test_due_backup_runs_and_retention_follows_under_a_lease(
    machine: Machine, server: ServerDouble
) -> None:
    machine.assign()

    machine.start()
    wait_until(lambda: _is_done(machine, "retain"))
    wait_until(lambda: server.points and server.points[-1]["points"])
    status = machine.stop()

    (backup,) = machine.told("backup")
    (mark,) = (f"job:{job_id}" for job_id, told in server.reports if told is backup)
    assert status == 0
    assert backup["state"] == "done"
    assert backup["result"]["files_new"] == 1
    assert server.leases == ["retain"]
    assert server.released == ["lease-retain"]
    assert [point["tags"] for point in machine.points()] == [["assignment:a1", mark]]
    assert [point["id"] for point in server.points[-1]["points"]] == [machine.points()[0]["id"]]


def test_schedule_needs_no_server_and_results_come_later(
    machine: Machine, server: ServerDouble
) -> None:
    machine.assign(retention=[])
    server.status = 503

    machine.start()
    wait_until(lambda: "running" not in machine.run("jobs") and len(machine.points()) == 1)
    assert server.reports == []
    server.status = 200
    wait_until(lambda: _is_done(machine, "backup"))

    assert machine.stop() == 0


def test_killed_agent_leaves_one_point_and_one_job(machine: Machine) -> None:
    machine.assign(retention=[])
    machine.hold_up()
    machine.start()
    wait_until(lambda: machine.is_running("backup"))

    machine.stop(signal.SIGKILL)
    before = len(machine.server.beats)
    machine.start()
    wait_until(lambda: len(machine.server.beats) > before)
    machine.let_go()
    wait_until(lambda: _is_done(machine, "backup"))
    machine.stop()

    (job,) = machine.told("backup")
    assert job["attempts"] == 1
    assert len(machine.points()) == 1


def test_stopped_agent_goes_on_with_its_job(machine: Machine) -> None:
    machine.assign(retention=[])
    machine.hold_up()
    machine.start()
    wait_until(lambda: machine.is_running("backup"))

    assert machine.stop() == 0
    machine.let_go()
    machine.start()
    wait_until(lambda: _is_done(machine, "backup"))
    machine.stop()

    (job,) = machine.told("backup")
    assert job["attempts"] == 1
    assert len(machine.points()) == 1


def test_command_is_done_once_and_a_second_is_skipped(
    machine: Machine, server: ServerDouble
) -> None:
    machine.assign(is_due=False, retention=[])
    machine.hold_up()
    machine.start()
    server.offer("backup", "job-first", assignment="a1")
    wait_until(lambda: machine.state_of("job-first") == "running")

    server.offer("backup", "job-second", assignment="a1")
    wait_until(lambda: machine.state_of("job-second") == "skipped")
    machine.let_go()
    wait_until(lambda: machine.state_of("job-first") == "done")
    machine.stop()

    assert sorted(server.taken) == [1, 2]
    assert server.newest("job-second")["error"]["code"] == "another-job-in-progress"
    assert len(machine.points()) == 1


def test_cancelled_job_ends_at_once(machine: Machine, server: ServerDouble) -> None:
    machine.assign(is_due=False, retention=[])
    machine.hold_up()
    machine.start()
    server.offer("backup", "job-1", assignment="a1")
    wait_until(lambda: machine.state_of("job-1") == "running")

    server.offer("cancel", "job-1")
    wait_until(lambda: machine.state_of("job-1") == "cancelled")

    machine.stop()
    assert machine.points() == []


def test_restore_and_check_are_done_on_command(machine: Machine, server: ServerDouble) -> None:
    machine.run("backup", str(machine.source))
    target = machine.root / "back"
    machine.start()

    server.offer("restore", "job-restore", point="latest", to=str(target))
    server.offer("check", "job-check", read_data="all")
    wait_until(lambda: machine.state_of("job-restore") == "done")
    wait_until(lambda: machine.state_of("job-check") == "done")

    machine.stop()
    found = list(target.rglob("file"))
    assert [one.read_text(encoding="utf-8") for one in found] == ["content"]
    assert server.newest("job-check")["result"]["packs_read"] >= 1


def test_failed_job_brings_error_and_remedy(machine: Machine, server: ServerDouble) -> None:
    machine.start()

    server.offer("restore", "job-1", point="feed", to=str(machine.root / "back"))
    wait_until(lambda: machine.state_of("job-1") == "failed")

    machine.stop()
    error = server.newest("job-1")["error"]
    assert error["code"]
    assert error["remedy"]


def test_second_agent_of_one_home_is_refused(machine: Machine) -> None:
    machine.start()
    wait_until(lambda: machine.server.beats)

    done = subprocess.run(
        [HOLDFAST, "agent", "run", "--once", "--json"],
        env=machine.environment,
        capture_output=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 11
    assert json.loads(done.stdout)["code"] == "agent-running"


def test_once_does_what_is_due_and_ends(machine: Machine) -> None:
    machine.assign()

    machine.run("agent", "run", "--once")

    assert _is_done(machine, "backup")
    assert _is_done(machine, "retain")
    assert len(machine.points()) == 1
