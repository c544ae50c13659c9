"""People at the command line of a real server: log in, vaults, accounts, PIN, approvals."""

import hashlib
import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.fleet import FleetServer
from tests.e2e.conftest import SCRIPT, Said

ADMIN, ADA = "admin", "ada"
PASSWORD = "four random words here"

pytestmark = pytest.mark.slow


class Person:
    """A home of its own: who logs in here is nobody there."""

    def __init__(self, home: Path, server: FleetServer) -> None:
        self.home, self._server = home, server
        home.mkdir()

    def run(self, *words: str | Path, status: int = 0) -> Said:
        done = subprocess.run(
            [SCRIPT, *words],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "LC_ALL": "C.UTF-8",
                "HOLDFAST_HOME": str(self.home),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=180,
        )
        said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert said.status == status, f"{words}: {said.out}\n{said.err}"
        return said

    def password_file(self, password: str) -> Path:
        file = self.home / "password"
        file.write_text(password, encoding="utf-8")
        file.chmod(0o600)
        return file

    def log_in(self, name: str, password: str, *trust: str | Path) -> Said:
        how = trust or ("--ca", self._server.ca_file)
        file = self.password_file(password)
        return self.run("login", self._server.url, "--name", name, "--password-file", file, *how)

    def pin(self) -> str:
        return self.run("server", "pin", "--password-file", self.home / "password").out.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    with FleetServer(tmp_path_factory.mktemp("server"), workflows=False) as running:
        yield running


@pytest.fixture
def admin(server: FleetServer, tmp_path: Path) -> Person:
    person = Person(tmp_path / ADMIN, server)
    person.log_in(ADMIN, server.admin_password)
    return person


def test_login_is_kept_for_its_owner_alone(admin: Person, server: FleetServer) -> None:
    kept = admin.home / "login.json"

    mode = kept.stat().st_mode & 0o777
    admin.run("logout")

    assert mode == 0o600
    assert not kept.exists()
    assert "not-logged-in-here" in admin.run("vault", "list", status=1).err


def test_server_is_trusted_by_its_fingerprint_only(server: FleetServer, tmp_path: Path) -> None:
    person = Person(tmp_path / "new", server)
    file = person.password_file(server.admin_password)
    der = ssl.PEM_cert_to_DER_cert(server.ca_file.read_text(encoding="ascii"))
    right = hashlib.sha256(der).hexdigest()
    login = ("login", server.url, "--password-file", file)

    stranger = person.run(*login, status=1)
    wrong = person.run(*login, "--ca-fingerprint", "00" * 32, status=1)
    believed = person.run(*login, "--ca-fingerprint", right)

    assert believed.err == ""
    assert right in stranger.err
    assert "server-not-trusted" in wrong.err


def test_wrong_password_has_its_own_words(server: FleetServer, tmp_path: Path) -> None:
    person = Person(tmp_path / "guesser", server)
    file = person.password_file("no such password")

    said = person.run(
        "login", server.url, "--name", "nobody", "--ca", server.ca_file,
        "--password-file", file, status=1,
    )  # fmt: skip

    assert "login-refused" in said.err


def test_server_that_is_not_there_is_named(tmp_path: Path, server: FleetServer) -> None:
    person = Person(tmp_path / "far", server)
    file = person.password_file("x")

    said = person.run(
        "login", "https://127.0.0.1:1", "--ca", server.ca_file, "--password-file", file, status=1
    )

    assert "server-not-reached" in said.err


def test_vault_lives_and_comes_back(admin: Person, tmp_path: Path) -> None:
    place = tmp_path / "vaults" / "blue"

    made = admin.run("vault", "create", "--name", "blue", place, "--json").event("server-record")
    admin.run("vault", "set", "blue", "--quota", "2T", "--machine-limit", "3")
    listed = admin.run("vault", "list").out
    shown = admin.run("vault", "show", "blue", "--json").event("server-record")["record"]
    refused = admin.run("vault", "delete", "blue", status=30)
    admin.run("vault", "delete", "blue", "--pin", admin.pin())
    gone = admin.run("vault", "list").out
    admin.run("vault", "undelete", "blue")

    assert made["record"]["location"] == str(place)
    assert "blue" in listed
    assert (shown["machine_limit"], shown["quota_bytes"]) == (3, 2 << 40)
    assert "pin-needed" in refused.err
    assert "blue" not in gone
    assert "blue" in admin.run("vault", "list").out


def test_bad_places_and_settings_are_explained(admin: Person, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    taken = admin.run("vault", "create", "--name", "x", tmp_path / "file" / "x", status=1)
    nothing = admin.run("vault", "set", "x", status=2)
    unknown = admin.run("vault", "show", "x", status=1)

    assert "place-missing" in taken.err
    assert "setting" in nothing.err
    assert "not-there" in unknown.err


def test_second_person_decides(admin: Person, server: FleetServer, tmp_path: Path) -> None:
    admin.run("vault", "create", "--name", "two", tmp_path / "two")
    admin.run("vault", "set", "two", "--four-eyes", "on")
    admin.run("server", "account", "add", ADA, "--password-file", admin.password_file(PASSWORD))
    admin.run("server", "grant", ADA, "--vault", "two", "--role", "contributor")
    ada = Person(tmp_path / ADA, server)
    ada.log_in(ADA, PASSWORD)
    weaken = ("vault", "set", "two", "--four-eyes", "off")

    asked = ada.run(*weaken, "--pin", ada.pin(), status=30)
    (waiting,) = [e["record"] for e in admin.run("server", "approvals", "--json").events]
    own = ada.run("server", "approvals", "approve", waiting["id"], status=1)
    admin.run("server", "approvals", "approve", waiting["id"])
    done = ada.run(*weaken, "--pin", ada.pin(), "--approval", waiting["id"], "--json")

    assert waiting["id"] in asked.err
    assert "approval-own" in own.err
    assert done.event("server-record")["record"]["four_eyes"] is False
    audit = admin.run("server", "audit", "--on", "two").out
    assert "Approve an act (approval-approve)" in audit
    assert PASSWORD not in server.said()


def test_token_serves_a_program(admin: Person, server: FleetServer, tmp_path: Path) -> None:
    token = admin.run("server", "token", "add", "watch", "--scope", "read", "--json")
    secret = token.event("server-record")["record"]["token"]
    program = Person(tmp_path / "program", server)
    file = program.password_file(secret)

    program.run("login", server.url, "--ca", server.ca_file, "--token-file", file)
    program.run("vault", "list")
    refused = program.run("server", "account", "disable", ADMIN, status=1)
    id_ = token.event("server-record")["record"]["id"]
    admin.run("server", "token", "revoke", id_)

    assert "not-allowed" in refused.err
    assert "not-logged-in" in program.run("vault", "list", status=1).err
    assert "watch" not in admin.run("server", "token", "list").out


def test_accounts_are_looked_after(admin: Person, server: FleetServer, tmp_path: Path) -> None:
    file = admin.password_file(PASSWORD)
    admin.run("server", "account", "add", "bob", "--admin", "--password-file", file)
    bob = Person(tmp_path / "bob", server)
    bob.log_in("bob", PASSWORD)

    new = bob.home / "new"
    new.write_text("another long password", encoding="utf-8")
    new.chmod(0o600)
    bob.run(
        "server", "account", "password",
        "--old-password-file", bob.home / "password", "--password-file", new,
    )  # fmt: skip
    admin.run("server", "account", "disable", "bob")
    listed = admin.run("server", "account", "list").out
    out = bob.run("vault", "list", status=1)
    admin.run("server", "account", "delete", "bob")

    assert "bob" in listed
    assert "not-logged-in" in out.err
    assert "bob" not in admin.run("server", "account", "list").out
