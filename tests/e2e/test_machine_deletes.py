"""What a person types on a registered machine deletes through the gateway, and nothing else does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.registration_state import load_registration
from holdfast.app.unregister import link_of
from holdfast.fleet.messages import LeaseReply, LeaseRequest
from holdfast.testing.fleet import FleetServer
from tests.e2e.conftest import Bench
from tests.e2e.office import Office
from tests.e2e.test_server_people import Person

pytestmark = pytest.mark.slow

_KILLED = -9
# Ends the process where the named function would be called.
_KILLED_AT = """
import importlib, os, signal, sys
from holdfast.cli.main import main
module, name = sys.argv[1].split(":")
setattr(importlib.import_module(module), name, lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL))
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    with FleetServer(tmp_path_factory.mktemp("server"), workflows=False) as running:
        yield running


@pytest.fixture
def office(server: FleetServer, tmp_path: Path) -> Office:
    admin = Person(tmp_path / "admin", server)
    admin.log_in("admin", server.admin_password)
    return Office(admin, tmp_path)


@pytest.fixture
def mail(office: Office) -> Bench:
    """A machine with three recovery points."""
    mail = office.machine("mail")
    office.register(mail)
    for number in range(3):
        mail.write("letter", f"{number}" * 9000)
        mail.run("backup", mail.source)
    return mail


def _points(mail: Bench) -> int:
    return len(mail.run("points", "--json").events)


def _leases(office: Office) -> list[dict[str, Any]]:
    said = office.admin.run("server", "audit", "--act", "lease", "--json")
    return [event["record"]["detail"] for event in said.events]


def _keys(mail: Bench) -> int:
    return len(mail.run("passphrase", "list", "--json").events)


def test_retain_and_prune_work_as_typed(office: Office, mail: Bench) -> None:
    mail.run("retain", "--keep-last", "1", "--prune")
    mail.run("prune", "--max-unused", "0%")

    assert _points(mail) == 1
    assert mail.run("check", "--read-data").status == 0
    assert [one["kind"] for one in _leases(office)[:2]] == ["prune", "retain"]
    assert {one["holder"] for one in _leases(office)[:2]} == {"person"}


def test_dry_run_asks_for_no_lease(office: Office, mail: Bench) -> None:
    before = len(_leases(office))

    mail.run("retain", "--keep-last", "1", "--dry-run")
    mail.run("prune", "--dry-run")

    assert len(_leases(office)) == before


def test_marks_are_changed_through_the_gateway(mail: Bench) -> None:
    mail.run("points", "tag", "latest", "--add", "audit")

    assert len(mail.run("points", "--tag", "audit", "--json").events) == 1
    assert _points(mail) == 3


def test_lease_of_the_agent_is_waited_for_and_named(mail: Bench) -> None:
    home = str(mail.home)
    link = link_of(load_registration(home), AgentFolder.of(home))
    asked = LeaseRequest(kind="prune", seconds=600)
    lease = link.ask("POST", "/agent/leases", asked, LeaseReply)

    refused = mail.run("retain", "--keep-last", "1", status=None)
    waiting = mail.start("retain", "--keep-last", "1", "--wait", "10m")
    assert waiting.stderr is not None
    told = waiting.stderr.readline().decode()
    link.tell("DELETE", f"/agent/leases/{lease.id}")
    waiting.communicate(timeout=180)
    link.close()

    assert refused.status not in {0, 3}
    assert "no lease" in refused.err
    assert "'prune'" in refused.err
    assert "waiting for a lease" in told
    assert waiting.returncode == 0
    assert _points(mail) == 1


def test_job_of_the_agent_uses_the_lease_of_the_agent(office: Office, mail: Bench) -> None:
    before = len(_leases(office))

    said = mail.run("retain", "--keep-last", "1", HOLDFAST_LEASE="agent", status=None)

    assert said.status != 0
    assert "delete-needs-lease" in said.err
    assert len(_leases(office)) == before
    assert _points(mail) == 3


def test_lease_of_a_killed_command_is_not_in_the_way(mail: Bench) -> None:
    killed = _killed_at(mail, "holdfast.cli.prune:run_prune", "prune")

    mail.run("retain", "--keep-last", "1")

    assert killed == _KILLED
    assert _points(mail) == 1


def test_changed_passphrase_opens_and_the_former_one_does_not(mail: Bench) -> None:
    fresh = mail.root / "fresh"
    fresh.write_text("an entirely new passphrase")

    mail.run("passphrase", "change", "--lab", "--new-passphrase-file", fresh)

    assert _points(mail) == 3
    mail.run("points", "--passphrase-file", fresh)
    mail.run("points", "--passphrase-file", mail.passphrase_file, status=12)
    assert (mail.home / "agent" / "passphrase").read_text().strip() == fresh.read_text()


def test_second_passphrase_is_removed(mail: Bench) -> None:
    second = mail.root / "second"
    second.write_text("an entirely new passphrase")
    added = mail.run("passphrase", "add", "--lab", "--new-passphrase-file", second, "--json").event(
        "passphrase-added"
    )

    mail.run("passphrase", "remove", added["key"])

    assert _keys(mail) == 1
    mail.run("points", "--passphrase-file", second, status=12)


@pytest.mark.parametrize(
    "moment",
    [
        "holdfast.app.passphrases:_add_proven",
        "holdfast.app.machine_passphrase:save_passphrase",
        "holdfast.app.passphrases:remove_passphrase",
        "holdfast.app.deleting:_give_back",
    ],
)
def test_change_killed_anywhere_leaves_a_saved_passphrase_that_opens(
    mail: Bench, moment: str
) -> None:
    fresh = mail.root / "fresh"
    fresh.write_text("an entirely new passphrase")
    change = ("passphrase", "change", "--lab", "--new-passphrase-file", str(fresh))

    killed = _killed_at(mail, moment, *change)
    opened = _points(mail)
    mail.run("passphrase", "change", "--lab", "--new-passphrase-file", fresh)

    assert killed == _KILLED
    assert opened == _points(mail) == 3


def _killed_at(mail: Bench, moment: str, *words: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED_AT, moment, *words],
        env={**mail.with_({}), "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=180,
    )
    return done.returncode
