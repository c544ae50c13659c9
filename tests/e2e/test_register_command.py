"""A machine's life at the command line: registered, backed up, read by another, left, deleted."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.fleet import FleetServer
from tests.e2e.office import Office
from tests.e2e.test_server_people import Person
from tests.e2e.test_upkeep_commands import needs_fuse

pytestmark = pytest.mark.slow

_SHOW = """
import os
import subprocess
import sys
from holdfast.cli.main import main
status = main(sys.argv[1:])
print("\\n" + " ".join(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(status)
"""
_OF_SERVERS = {"fastapi", "sqlalchemy", "pydantic", "starlette", "uvicorn", "dbos", "alembic"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    with FleetServer(tmp_path_factory.mktemp("server"), workflows=False) as running:
        yield running


@pytest.fixture
def admin(server: FleetServer, tmp_path: Path) -> Person:
    person = Person(tmp_path / "admin", server)
    person.log_in("admin", server.admin_password)
    return person


@pytest.fixture
def office(admin: Person, tmp_path: Path) -> Office:
    return Office(admin, tmp_path)


def test_registered_machine_backs_up_and_restores_without_a_word(office: Office) -> None:
    mail = office.machine("mail")
    mail.write("letter", "dear all")

    registered = office.register(mail).event("machine-registered")
    mail.run("backup", mail.source)
    mail.run("restore", "latest", "--to", mail.root / "back")
    (seen,) = office.machines()

    assert (mail.root / "back" / str(mail.source)[1:] / "letter").read_text() == "dear all"
    assert seen["id"] == registered["machine"]
    assert seen["is_activated"] is True
    status = mail.run("agent", "status", "--json").event("agent-state")
    assert status["troubles"] == []
    assert status["location"] == registered["location"]


def test_another_machine_restores_with_the_passphrase_for_some_hours(office: Office) -> None:
    mail, spare = office.machine("mail"), office.machine("spare")
    mail.write("letter", "dear all")
    office.register(mail)
    office.register(spare)
    mail.run("backup", mail.source)
    office.admin.run(
        "vault", "machine", "allow", office.of("mail"), office.of("spare"), "--hours", "1"
    )

    way = ("--machine", "mail", "--passphrase-file", mail.passphrase_file)
    listed = spare.run("points", "--json", *way).events
    spare.run("points", "ls", "latest", *way)
    spare.run("check", "--read-data", *way)
    spare.run("restore", "latest", "--to", spare.root / "back", *way)
    (location,) = spare.run("agent", "status", "--json").event("agent-state")["readable"]

    assert len(listed) == 1
    assert (spare.root / "back" / str(mail.source)[1:] / "letter").read_text() == "dear all"
    elsewhere = ("--vault", location, "--passphrase-file", mail.passphrase_file)
    assert spare.run("backup", spare.source, *elsewhere, status=None).status != 0
    own = spare.run("points", "--machine", "spare", "--json")
    assert own.events == []


@needs_fuse
def test_another_machines_points_are_mounted_for_some_hours(office: Office) -> None:
    mail, spare = office.machine("mail"), office.machine("spare")
    mail.write("letter", "dear all")
    office.register(mail)
    office.register(spare)
    mail.run("backup", mail.source)
    folder = spare.root / "mnt"
    folder.mkdir()
    way = ("--machine", "mail", "--passphrase-file", mail.passphrase_file)

    refused = spare.run("mount", folder, *way, status=1)
    office.admin.run(
        "vault", "machine", "allow", office.of("mail"), office.of("spare"), "--hours", "1"
    )
    mounted = spare.start("mount", folder, "--json", *way)
    try:
        assert mounted.stdout is not None
        assert b'"mounted"' in mounted.stdout.readline()
        found = {path.read_text() for path in folder.rglob("letter")}
    finally:
        mounted.terminate()
        mounted.communicate(timeout=90)

    assert "read-grant-missing" in refused.err
    assert found == {"dear all"}
    assert (mounted.returncode, list(folder.iterdir())) == (0, [])


def test_repair_through_the_gateway_makes_what_is_there_whole_again(office: Office) -> None:
    mail = office.machine("mail")
    mail.write("letter", "dear all")
    machine = office.register(mail).event("machine-registered")["machine"]
    mail.run("backup", mail.source)
    indexes = office.root / "stored" / machine / "index"
    (index,) = indexes.iterdir()
    index.write_bytes(index.read_bytes()[::-1])

    damaged = mail.run("check", status=20)
    mail.run("vault", "repair", "--dry-run", status=20)
    untouched = list(indexes.iterdir())
    mail.run("vault", "repair", "--read-data")
    mail.run("check", "--read-data")
    mail.run("restore", "latest", "--to", mail.root / "back")
    trash = office.admin.run("vault", "trash", office.name, "--machine", machine, "--json").out

    assert index.name in damaged.out + damaged.err
    assert untouched == [index]
    # Deleted under a lease of the server, it can still be brought back.
    assert f"index/{index.name}" in trash
    assert (mail.root / "back" / str(mail.source)[1:] / "letter").read_text() == "dear all"


def test_machine_that_may_not_be_read_is_told_what_an_operator_types(office: Office) -> None:
    mail, spare = office.machine("mail"), office.machine("spare")
    office.register(mail)
    here = office.register(spare).event("machine-registered")["machine"]

    refused = spare.run(
        "restore", "latest", "--machine", "mail", "--to", spare.root / "b", status=1
    )
    both = spare.run("points", "--machine", "mail", "--vault", "/elsewhere", status=2)
    stranger = office.machine("stranger").run("points", "--machine", "mail", status=10)

    assert f"holdfast vault machine allow mail {here} --hours 4" in refused.err
    assert "exclude each other" in both.err
    assert "not-registered" in stranger.err


def test_refused_registration_says_why_and_how_to_go_on(office: Office) -> None:
    mail = office.machine("mail")
    old = office.credentials().read_text()
    file = office.credentials()
    file.write_text(old)

    said = mail.run("register", "--credentials", file, "--proxy", "none", status=1)

    assert "not the newest" in said.err
    assert "holdfast vault credentials" in said.err
    assert "34513" in said.err
    assert mail.run("agent", "status", status=10).err.count("holdfast register") == 1


def test_lost_passphrase_is_saved_again_only_if_it_is_right(office: Office) -> None:
    mail = office.machine("mail")
    office.register(mail)
    for name in ("passphrase", "passphrase.copy"):
        (mail.home / "agent" / name).unlink()

    missing = mail.run("points", status=12)
    mail.passphrase_file.write_text("certainly another passphrase")
    mail.run("passphrase", "set", "--passphrase-file", mail.passphrase_file, status=12)
    mail.passphrase_file.write_text("passphrase of mail, long")
    mail.run("passphrase", "set", "--passphrase-file", mail.passphrase_file)

    assert "0x1FC07" in missing.err
    mail.run("points")


def test_changed_passphrase_is_the_saved_one(office: Office) -> None:
    mail = office.machine("mail")
    office.register(mail)
    fresh = mail.root / "fresh"
    fresh.write_text("an entirely new passphrase")

    mail.run("passphrase", "change", "--lab", "--new-passphrase-file", fresh)

    mail.run("points")
    mail.run("points", "--passphrase-file", mail.passphrase_file, status=12)


def test_moved_scratch_is_used(office: Office) -> None:
    mail = office.machine("mail")
    office.register(mail)
    mail.run("agent", "scratch", "move", mail.root / "elsewhere")

    mail.run("backup", mail.source)

    assert any((mail.root / "elsewhere").iterdir())
    assert not (mail.home / "scratch").exists()


def test_machine_leaves_and_is_deleted_and_brought_back(office: Office) -> None:
    mail = office.machine("mail")
    office.register(mail)

    mail.run("agent", "renew")
    mail.run("agent", "unregister", "--yes")
    pin = office.admin.pin()
    office.admin.run("vault", "machine", "delete", office.of("mail"), status=30)
    office.admin.run("vault", "machine", "delete", office.of("mail"), "--pin", pin)
    deleted = office.machines()[0]
    office.admin.run("vault", "machine", "undelete", office.of("mail"))

    assert deleted["state"] == "deleted"
    assert office.machines()[0]["state"] == "unregistered"
    assert "not-registered" in mail.run("agent", "status", status=10).err


def test_name_and_lock_of_a_machine(office: Office) -> None:
    mail = office.machine("mail")
    office.register(mail)

    office.admin.run("vault", "machine", "rename", office.of("mail"), "post")
    office.admin.run("vault", "machine", "revoke", office.of("post"))

    shown = office.admin.run("vault", "machine", "show", office.of("post"), "--json")
    assert shown.events[0]["record"]["health"] == "no-certificate"
    assert mail.run("agent", "status", status=3).err


def test_registering_needs_nothing_of_a_server(office: Office) -> None:
    mail = office.machine("mail")
    file = office.credentials()
    words = ("register", "--credentials", file, "--passphrase-file", mail.passphrase_file)
    done = subprocess.run(
        [sys.executable, "-c", _SHOW, *words, "--proxy", "none", "--lab"],
        env=mail.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )

    assert set(done.stdout.splitlines()[-1].split()) & _OF_SERVERS == set()
