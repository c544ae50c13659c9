"""The doctor on a machine that is registered with a real server, healthy and broken by hand."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.config import Settings
from holdfast.app.own_probes import tell
from holdfast.app.wiring import Session
from holdfast.base.clock import Clock, SystemClock
from holdfast.doctor.agent_facts import AGENT_KINDS
from holdfast.doctor.artefacts import from_text
from holdfast.doctor.diagnosis import Report, diagnose
from holdfast.doctor.loading import load
from holdfast.doctor.model import State
from holdfast.doctor.reading import Reading
from holdfast.doctor.server_facts import SERVER_KINDS
from holdfast.testing.clock import FakeClock
from holdfast.testing.doctor_cases import state_of, verdicts
from holdfast.testing.fleet import FleetServer

HOLDFAST = Path(sys.executable).with_name("holdfast")
PROBES = (*AGENT_KINDS, *SERVER_KINDS)
# What a test machine may lack: systemd, a time server, a timer.
AROUND = ("agent.service", "agent.timer", "agent.clock-unsynchronised", "server.clock", "agent.sca")


class Registered:
    """A machine with a home of its own, and a policy for a folder."""

    def __init__(self, root: Path, server: FleetServer, name: str) -> None:
        self.root, self.server = root / name, server
        self.home, self.agent = self.root / "home", self.root / "home" / "agent"
        self.root.mkdir()
        self.client = server.client()
        (self.root / "source").mkdir()
        (self.root / "source" / "file").write_text("content", encoding="utf-8")
        (self.root / "vault").mkdir()
        self.vault = self.post("/vaults", name=name, location=str(self.root / "vault"))["id"]
        self.register()
        items = self.client.get(f"/api/v1/machines?vault={self.vault}").json()["items"]
        self.id = items[0]["id"]

    def register(self) -> None:
        content = self.post(f"/vaults/{self.vault}/credentials")["content"]
        self._write("credentials", content)
        self._write("passphrase", "correct horse battery staple")
        words = ("--credentials", str(self.root / "credentials"))
        self.run("register", *words, "--passphrase-file", str(self.root / "passphrase"))

    def assign(self, **policy: Any) -> None:
        body = {"name": "hourly", "schedule": "every 1h", "retention": ["daily 7"], **policy}
        made = self.post(f"/vaults/{self.vault}/policies", **body)
        paths = [str(self.root / "source")]
        self.post(f"/machines/{self.id}/assignments", policy=made["id"], paths=paths)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        reply = self.client.post(f"/api/v1{path}", json=body)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else {}

    def run(self, *words: str, status: int = 0) -> str:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.root)}
        done = subprocess.run(
            [HOLDFAST, *words],
            env={**environment, "HOLDFAST_HOME": str(self.home)},
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """As an agent that runs: it holds the lock of its folder."""
        with (self.agent / "agent.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def examine(self, *asked: str, clock: Clock | None = None) -> Report:
        return examine(self.home, *asked, clock=clock)

    def _write(self, name: str, content: str) -> None:
        with open(os.open(self.root / name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
            stream.write(content)


def examine(home: Path, *asked: str, clock: Clock | None = None) -> Report:
    session = Session(settings=Settings(home=str(home)), warn=print, clock=clock or SystemClock())
    told = {probe: tell(probe, session) for probe in PROBES}
    reading = Reading(load(), now=session.clock.now().replace(tzinfo=None))
    reading.read(
        from_text(probe, text, probe=probe, whole=True) for probe, text in told.items() if text
    )
    return diagnose(load(), reading, asked=asked, components={"agent", "server"})


def confirmed(report: Report) -> set[str]:
    assert report.crashes == ()
    found = {name for name, one in verdicts(report).items() if one.state is State.CONFIRMED}
    return {name for name in found if not name.startswith(AROUND)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    with FleetServer(tmp_path_factory.mktemp("server"), workflows=False) as running:
        yield running


@pytest.fixture
def machine(server: FleetServer, tmp_path: Path) -> Iterator[Registered]:
    made = Registered(tmp_path, server, f"office-{tmp_path.name[-40:]}")
    yield made
    made.client.close()


def test_a_healthy_machine_has_no_fault(machine: Registered) -> None:
    machine.assign()
    machine.run("agent", "run", "--once")

    with machine.at_work():
        report = machine.examine("agent.server-lost")

    assert confirmed(report) <= {"agent.restart-pending"}
    for name in ("name-unresolved", "server-unreachable", "server-untrusted", "no-server-there"):
        assert state_of(report, f"agent.{name}") is State.RULED_OUT, name
    for name in ("certificate-refused", "clock-off", "certificate-expired"):
        assert state_of(report, f"agent.{name}") is State.RULED_OUT, name


def test_a_machine_without_a_policy_is_told_so(machine: Registered) -> None:
    machine.run("agent", "run", "--once")

    assert "agent.no-assignment" in confirmed(machine.examine("agent.schedule"))


def test_a_paused_policy_and_one_that_blackouts_swallow_are_told_apart(machine: Registered) -> None:
    machine.assign()
    machine.run("agent", "run", "--once")
    file = machine.agent / "policies.json"
    known = json.loads(file.read_text())
    (one,) = known["assignments"]
    always = ["weekdays 00:00-24:00", "sat,sun 00:00-24:00"]
    swallowed = {**one, "id": "b", "policy": {**one["policy"], "blackouts": always}}
    file.write_text(json.dumps({**known, "assignments": [{**one, "is_paused": True}]}))
    paused = machine.examine("agent.schedule")
    file.write_text(json.dumps({**known, "assignments": [swallowed]}))
    closed = machine.examine("agent.schedule")

    assert "agent.paused" in confirmed(paused)
    assert "agent.blackout" in confirmed(closed)
    assert state_of(closed, "agent.paused") is State.RULED_OUT


@pytest.mark.parametrize(
    ("file", "content", "cause"),
    [
        ("passphrase", b"another\n", "agent.key-file-from-copy"),
        ("registration.json", b'{"machine_id": "6f', "agent.registration-unreadable"),
        ("machine.pem", b"no certificate", "agent.certificate-missing"),
        ("agent.db", b"no database at all, but some text" * 100, "agent.journal-damaged"),
        ("policies.json", b"{", "agent.policies-unreadable"),
    ],
)
def test_what_was_damaged_is_named(
    machine: Registered, file: str, content: bytes, cause: str
) -> None:
    machine.run("agent", "run", "--once")
    for beside in ("agent.db-wal", "agent.db-shm"):
        (machine.agent / beside).unlink(missing_ok=True)
    (machine.agent / file).write_bytes(content)

    assert cause in confirmed(machine.examine("agent.activation", "agent.schedule"))


def test_a_passphrase_that_is_gone_with_its_copy_is_no_mystery(machine: Registered) -> None:
    (machine.agent / "passphrase").unlink()
    (machine.agent / "passphrase.copy").write_bytes(b"damaged\n")

    report = machine.examine("agent.passphrase")

    assert report.root is not None
    assert report.root.cause == "agent.key-file-missing"


def test_a_revoked_machine_learns_why_nobody_hears_it(machine: Registered) -> None:
    machine.post(f"/machines/{machine.id}/revoke", reason="stolen")

    report = machine.examine("agent.server-lost")

    assert "agent.certificate-refused" in confirmed(report)
    assert state_of(report, "agent.server-unreachable") is State.RULED_OUT


def test_a_server_that_moved_away_and_one_of_strangers(machine: Registered) -> None:
    file = machine.agent / "registration.json"
    known = json.loads(file.read_text())
    file.write_text(json.dumps({**known, "server": "https://127.0.0.1:1"}))
    away = machine.examine("agent.server-lost")
    file.write_text(json.dumps({**known, "server": "https://name.invalid:8443"}))
    nameless = machine.examine("agent.server-lost")
    file.write_text(json.dumps({**known, "proxy": "http://127.0.0.1:1"}))
    proxied = machine.examine("agent.server-lost")

    assert "agent.server-unreachable" in confirmed(away)
    assert "agent.name-unresolved" in confirmed(nameless)
    assert "agent.proxy-unreachable" in confirmed(proxied)


def test_a_clock_of_another_day_is_found_by_the_servers(machine: Registered) -> None:
    clock = FakeClock(SystemClock().now() + timedelta(days=1))

    assert "agent.clock-off" in confirmed(machine.examine("agent.server-lost", clock=clock))


def test_a_scratch_folder_that_was_moved_by_hand(machine: Registered) -> None:
    scratch = machine.home / "scratch"
    scratch.rename(machine.root / "elsewhere")
    scratch.symlink_to(machine.root / "elsewhere")

    assert "agent.scratch-moved" in confirmed(machine.examine("agent.activation"))


def test_a_server_is_looked_at_while_it_runs(server: FleetServer, machine: Registered) -> None:
    report = examine(server.home, "server.not-well", "server.gateway")

    assert confirmed(report) == set()
    for name in ("database-unreachable", "disk-full", "keys-missing", "storage-denied"):
        assert state_of(report, f"server.{name}") is State.RULED_OUT, name


def test_a_vault_whose_folder_is_gone_is_denied_storage(
    server: FleetServer, machine: Registered
) -> None:
    (machine.root / "vault").rename(machine.root / "unmounted")

    assert "server.storage-denied" in confirmed(examine(server.home, "server.gateway"))


def test_a_key_of_the_authority_that_is_gone(server: FleetServer, tmp_path: Path) -> None:
    state = tmp_path / "server"
    state.mkdir()
    (state / "ca.pem").write_bytes((server.state / "ca.pem").read_bytes())
    (state / "state.db").write_bytes(b"no database" * 1000)

    found = confirmed(examine(tmp_path, "server.not-well"))

    assert found >= {"server.keys-missing", "server.database-unreachable"}


def test_a_registration_that_failed_is_remembered_with_its_reason(machine: Registered) -> None:
    file = machine.root / "credentials"
    file.write_text(file.read_text().replace("office", "of1ice"))

    said = machine.run("register", "--credentials", str(file), status=1)
    report = json.loads(machine.run("doctor", "34513", "--json", status=1))

    assert "HF-AG004" in said
    assert report["root"] == "agent.credentials-corrupt"
    assert [one["id"] for one in report["symptoms"] if one["asked"]] == [
        "agent.credentials-refused"
    ]


def test_a_bundle_tells_of_the_agent_and_holds_no_secret(machine: Registered) -> None:
    machine.assign()
    machine.run("agent", "run", "--once")
    (machine.agent / "machine.pem").unlink()
    bundle = machine.root / "bundle.tar.gz"

    machine.run("doctor", "collect", "--to", str(bundle))
    report = json.loads(machine.run("doctor", "diagnose", str(bundle), "--json", status=1))

    with tarfile.open(bundle) as archive:
        files = [archive.extractfile(one) for one in archive.getmembers() if one.isfile()]
        content = b"".join(one.read() for one in files if one)
    assert "agent.certificate-missing" in {one["cause"] for one in report["findings"]}
    for probe in ("own.agent.schedule", "own.agent.jobs", "own.agent.way"):
        assert probe.encode() in content
    assert b"correct horse" not in content
    assert b"PRIVATE KEY" not in content


def test_a_machine_without_an_agent_tells_nothing(tmp_path: Path) -> None:
    session = Session(settings=Settings(home=str(tmp_path)), warn=print)

    assert [probe for probe in PROBES if tell(probe, session) is not None] == []
