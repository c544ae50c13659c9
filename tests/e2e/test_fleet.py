"""From nothing to points of a second machine, restored on the first; and all that can be refused.

Each machine is in a network namespace of its own, with a state of its own; all is done by commands.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.fleet_machines import SERVER_NAME, Ended, FleetMachine, Site, stop
from holdfast.testing.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="machines of their own need root"),
]

PORT = 8443
PASSPHRASE = "correct horse battery staple"
_LATE = """
from datetime import timedelta
from holdfast.base import clock
real = clock.SystemClock.now
clock.SystemClock.now = lambda self: real(self) - timedelta(minutes=20)
from holdfast.cli.main import run
run()
"""
# As often as ever, and not as long between.
_HASTY = """
from holdfast.base import clock
real = clock.SystemClock.sleep
clock.SystemClock.sleep = lambda self, seconds: real(self, seconds / 50)
from holdfast.cli.main import run
run()
"""
_PROXY = """
import socket
listener = socket.create_server(("127.0.0.1", 3128))
print("ready", flush=True)
while True:
    client, _ = listener.accept()
    client.recv(65536)
    client.sendall(
        b"HTTP/1.1 407 Proxy Authentication Required\\r\\n"
        b'Proxy-Authenticate: Basic realm="office"\\r\\nContent-Length: 0\\r\\n\\r\\n'
    )
    client.close()
"""
_STRANGER = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", int(sys.argv[3])))
print("ready", flush=True)
while True:
    client, _ = listener.accept()
    try:
        context.wrap_socket(client, server_side=True).close()
    except OSError:
        client.close()
"""


def events(ended: Ended, status: int | None = 0) -> list[dict[str, Any]]:
    assert status is None or ended.status == status, ended.out + ended.err
    return [json.loads(line) for line in ended.out.splitlines()]


@dataclass(frozen=True)
class Fleet:
    site: Site
    # Registers again and again, and is refused.
    web: FleetMachine
    # Backs up every minute from the beginning on.
    db: FleetMachine
    folder: Path

    @property
    def main(self) -> FleetMachine:
        return self.site.main

    def ask(self, *words: str | Path, status: int | None = 0) -> list[dict[str, Any]]:
        """A command of the administrator, on the machine of the server."""
        return events(self.main.run(*words, "--json"), status)

    def credentials(self, vault: str) -> Path:
        file = self.folder / f"{vault}-{time.monotonic_ns()}.credentials"
        self.ask("vault", "credentials", vault, "--out", file)
        return file

    def passphrase(self, text: str = PASSPHRASE) -> Path:
        file = self.folder / f"passphrase-{abs(hash(text))}"
        file.write_text(text)
        file.chmod(0o600)
        return file

    def register(
        self, file: Path, *words: str | Path, machine: FleetMachine | None = None
    ) -> Ended:
        given = ("--credentials", file, "--passphrase-file", self.passphrase(), "--lab", "--json")
        return (machine or self.web).run("register", *given, *words)

    def refused(self, file: Path, *words: str | Path) -> dict[str, Any]:
        """Why a registration was refused: its one error, or the one that sums up."""
        found = self.register(file, *words)
        assert found.status != 0, found.out
        return [one for one in events(found, None) if one["event"] == "error"][-1]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with Site(folder) as site:
        web, db = site.add("web1"), site.add("db1")
        precious = site.main.folder / "precious"
        precious.mkdir()
        up = site.main.start(
            *("up", "--json", "--lab", "--yes", "--paths", precious),
            *("--name", SERVER_NAME, "--listen", f"0.0.0.0:{PORT}"),
        )
        assert up.stdout is not None
        said = json.loads(up.stdout.readline())
        assert said["event"] == "up", said
        fleet = Fleet(site, web, db, folder)
        agent = _protect_every_minute(fleet)
        yield fleet
        assert stop(agent) == 0


def _protect_every_minute(fleet: Fleet) -> subprocess.Popen[bytes]:
    """The shortest interval there is; its agent."""
    source = fleet.db.folder / "source"
    source.mkdir()
    (source / "letter").write_text("dear all")
    events(fleet.register(fleet.credentials("main"), machine=fleet.db))
    policy = fleet.folder / "policy.json"
    policy.write_text(json.dumps({"name": "often", "schedule": "every 1m", "retention": []}))
    fleet.ask("vault", "policy", "set", policy, "--on", "main")
    fleet.ask("vault", "policy", "attach", "often", source, "--on", "main", "--machine", "db1")
    return fleet.db.start("agent", "run")


@pytest.fixture
def vault(fleet: Fleet, request: pytest.FixtureRequest) -> str:
    """A vault of the test's own, and a machine that knows nothing."""
    name = f"v{abs(hash(request.node.name)) % 10**8}"
    fleet.ask("vault", "create", "--name", name, fleet.folder / name)
    shutil.rmtree(fleet.web.home, ignore_errors=True)
    return name


def test_credentials_corrupt_superseded_and_expired(fleet: Fleet, vault: str) -> None:
    damaged, old = fleet.credentials(vault), fleet.credentials(vault)
    newest = fleet.credentials(vault)
    damaged.write_text(damaged.read_text().replace(f'"{vault}"', '"another"'))

    corrupt, superseded = fleet.refused(damaged), fleet.refused(old)
    # As if the 48 hours were over.
    with contextlib.closing(sqlite3.connect(fleet.main.home / "server" / "state.db")) as state:
        state.execute("update credentials set expires_at = issued_at")
        state.commit()
    expired = fleet.refused(newest)

    found = [one["code"] for one in (corrupt, superseded, expired)]
    assert found == ["credentials-corrupt", "credentials-superseded", "credentials-expired"]
    assert all("34513" in one["source_codes"] for one in (corrupt, superseded, expired))


def test_proxy_that_wants_a_login_and_one_that_is_not_there(fleet: Fleet, vault: str) -> None:
    file = fleet.credentials(vault)
    proxy = fleet.web.launch(sys.executable, "-c", _PROXY)
    assert proxy.stdout is not None
    proxy.stdout.readline()

    login = fleet.refused(file, "--proxy", "http://127.0.0.1:3128")
    stop(proxy)
    gone = fleet.refused(file, "--proxy", "http://127.0.0.1:3128")

    assert (login["code"], gone["code"]) == ("proxy-refused", "proxy-not-reached")
    assert {"407", "100050"} <= set(login["source_codes"])
    assert "Basic" in login["message"]
    assert "100050" in gone["source_codes"]


def test_machine_of_another_vault(fleet: Fleet, vault: str) -> None:
    events(fleet.register(fleet.credentials(vault)))

    refused = fleet.refused(fleet.credentials("main"))

    assert refused["code"] == "wrong-vault"
    assert "100110" in refused["source_codes"]


def test_credentials_are_denied_to_readers_and_to_full_vaults(fleet: Fleet, vault: str) -> None:
    password = fleet.passphrase("a password of ada's")
    ada = {"HOLDFAST_HOME": str(fleet.folder / f"ada-{vault}")}
    fleet.ask("server", "account", "add", f"ada-{vault}", "--password-file", password)
    fleet.ask("server", "grant", f"ada-{vault}", "--vault", vault, "--role", "reader")
    authority = fleet.main.home / "server" / "ca.pem"
    address = f"https://{SERVER_NAME}:{PORT}"
    login = ("--name", f"ada-{vault}", "--ca", authority, "--password-file", password)
    events(fleet.main.run("login", address, *login, "--json", **ada))

    (role,) = events(fleet.main.run("vault", "credentials", vault, "--json", **ada), 1)
    events(fleet.register(fleet.credentials(vault)))
    fleet.ask("vault", "set", vault, "--machine-limit", "1")
    (full,) = fleet.ask("vault", "credentials", vault, status=1)

    assert (role["code"], full["code"]) == ("credentials-denied", "vault-full")
    assert "403" in role["source_codes"]
    assert "403" in full["source_codes"]


def test_passphrase_of_another_and_one_too_short(fleet: Fleet, vault: str) -> None:
    file = fleet.credentials(vault)
    short = fleet.refused(file, "--passphrase-file", fleet.passphrase("short"))
    events(fleet.register(file))

    other = fleet.refused(file, "--passphrase-file", fleet.passphrase("quite another passphrase"))

    assert short["code"] == "passphrase-too-short"
    assert other["code"] == "passphrase-not-the-machines"
    assert "34506" in other["source_codes"]


def test_saved_passphrase_gone_and_scratch_moved_or_full(fleet: Fleet, vault: str) -> None:
    file = fleet.credentials(vault)
    events(fleet.register(file))
    home = fleet.web.home
    for name in ("passphrase", "passphrase.copy"):
        (home / "agent" / name).unlink()

    missing = events(fleet.web.run("points", "--json"), None)[-1]
    fleet.web.call("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", home / "scratch")
    full = fleet.refused(file)
    fleet.web.call("umount", home / "scratch")
    events(fleet.web.run("agent", "scratch", "move", home / "elsewhere", "--json"))
    (home / "elsewhere").rename(home / "by-hand")
    moved = fleet.refused(file)

    found = [one["code"] for one in (missing, full, moved)]
    assert found == ["key-file-missing", "scratch-full", "scratch-moved"]
    assert all("0x1FC07" in one["source_codes"] for one in (missing, full, moved))


def test_renamed_machine_is_a_warning_and_keeps_its_history(fleet: Fleet, vault: str) -> None:
    known = events(fleet.register(fleet.credentials(vault)))[-1]
    fleet.web.call("hostname", "web1-new")

    agent = fleet.web.start("agent", "run")

    def renamed() -> list[dict[str, Any]]:
        entries = [one.get("record", {}) for one in fleet.ask("server", "audit")]
        return [one for one in entries if one.get("act") == "machine-renamed"]

    wait_until(renamed)
    fleet.web.call("hostname", "web1")
    assert stop(agent) == 0
    assert renamed()[0]["object"] == known["machine"]
    assert "230006" in json.dumps(renamed()[0])


def test_key_that_could_not_be_set_is_set_by_the_same_command(fleet: Fleet, vault: str) -> None:
    file, place = fleet.credentials(vault), fleet.folder / vault
    place.rename(fleet.folder / "away")
    place.touch()

    given = ("--credentials", file, "--passphrase-file", fleet.passphrase(), "--lab", "--json")
    hasty = fleet.web.program(sys.executable, "-c", _HASTY, "register", *given)
    refused = [one for one in events(hasty, None) if one["event"] == "error"][-1]
    place.unlink()
    (fleet.folder / "away").rename(place)
    done = events(fleet.register(file))[-1]

    assert refused["code"] == "encryption-key-not-set"
    machines = fleet.ask("vault", "machines", vault)
    assert [one["record"]["id"] for one in machines] == [done["machine"]]


def test_each_stage_of_the_way_has_its_own_word(fleet: Fleet, vault: str) -> None:
    file, web = fleet.credentials(vault), fleet.web
    hosts = web.hosts.read_text()

    web.hosts.write_text("127.0.0.1 localhost\n")
    name = fleet.refused(file)
    web.hosts.write_text(hosts)
    web.call("ip", "link", "set", "eth0", "down")
    connection = fleet.refused(file)
    web.call("ip", "link", "set", "eth0", "up")
    with _stranger(fleet):
        web.know("127.0.0.1", SERVER_NAME)
        trust = fleet.refused(file)
    web.hosts.write_text(hosts)
    given = ("--credentials", file, "--passphrase-file", fleet.passphrase(), "--json")
    late = web.program(sys.executable, "-c", _LATE, "register", *given)
    clock = [one for one in events(late, None) if one["event"] == "error"][-1]

    found = [one["code"] for one in (name, connection, trust, clock)]
    assert found == ["server-name-unknown", "nothing-answers", "authority-differs", "clock-skewed"]
    assert "behind" in clock["message"]
    # And nothing was half done.
    events(fleet.register(file))


@contextlib.contextmanager
def _stranger(fleet: Fleet) -> Iterator[None]:
    """Somebody else with a certificate of his own for the server's name."""
    pem, key = fleet.folder / "stranger.pem", fleet.folder / "stranger.key"
    fleet.web.call(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-subj", f"/CN={SERVER_NAME}", "-keyout", key, "-out", pem, "-days", "1"),
    )
    process = fleet.web.launch(sys.executable, "-c", _STRANGER, pem, key, str(PORT))
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        stop(process)


def test_three_points_by_schedule_and_one_file_back_on_the_other_machine(fleet: Fleet) -> None:
    """The last one: the points came while the others ran."""

    def points() -> list[dict[str, Any]]:
        return [one for one in events(fleet.db.run("points", "--json"), None) if "id" in one]

    wait_until(lambda: len(points()) >= 3, within=240)
    fleet.ask("vault", "machine", "allow", "db1", "site", "--hours", "1")
    (location,) = fleet.ask("agent", "status")[0]["readable"]
    words = ("--vault", location, "--passphrase-file", fleet.passphrase(), "--include", "letter")
    fleet.ask("restore", "latest", "--to", fleet.main.folder / "back", "--no-lock", *words)

    (letter,) = (fleet.main.folder / "back").rglob("letter")
    assert letter.read_text() == "dear all"
    assert all("assignment:" in str(one["tags"]) for one in points())
