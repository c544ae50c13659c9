"""A machine's certificate comes to its end: its agent gets another in time, or says it is over."""

import contextlib
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.control.authority import load_authority
from holdfast.app.machine_keys import signing_request
from holdfast.base.clock import SystemClock
from holdfast.catalog.database import Database
from holdfast.catalog.tables import Certificate
from holdfast.testing.fleet import FleetServer
from holdfast.testing.waiting import wait_until
from tests.e2e.office import Office, office_of, ordered, running_agent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    with FleetServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def office(server: FleetServer, tmp_path: Path) -> Office:
    return office_of(server, tmp_path)


class Aging:
    """A registered machine whose certificate was given long ago."""

    def __init__(self, server: FleetServer, office: Office, *, days: int) -> None:
        self.server, self.bench = server, office.machine("mail")
        self.id = str(office.register(self.bench).event("machine-registered")["machine"])
        self.folder = AgentFolder.of(str(self.bench.home))
        self._age(days)
        self.aged = self.keep("aged")

    @property
    def certificate(self) -> str:
        return Path(self.folder.certificate).read_text(encoding="ascii")

    def keep(self, name: str) -> tuple[Path, Path]:
        """Certificate and key as they are now."""
        kept = self.bench.root / f"{name}.pem", self.bench.root / f"{name}.key"
        for path, now in zip(kept, (self.folder.certificate, self.folder.key), strict=True):
            path.write_bytes(Path(now).read_bytes())
        return kept

    def is_accepted(self, kept: tuple[Path, Path]) -> bool:
        """Whether the server serves whoever shows this one."""
        pem, key = kept
        try:
            with self.server.client(certificate=pem, key=key) as client:
                return client.get("/api/v1/agent/readable").is_success
        except (httpx.TransportError, ssl.SSLError):
            return False

    def _age(self, days: int) -> None:
        now = SystemClock().now()
        authority = load_authority(str(self.server.state), now=now)
        issued = authority.issue_client_certificate(
            signing_request(self.folder), self.id, now=now - timedelta(days=days)
        )
        with _state(self.server) as database, database.write() as db:
            row = db.query(Certificate).filter_by(machine_id=self.id).one()
            row.fingerprint, row.issued_at = issued.fingerprint, issued.issued_at
            row.expires_at = issued.expires_at
        Path(self.folder.certificate).write_text(issued.pem, encoding="ascii")


@contextlib.contextmanager
def _state(server: FleetServer) -> Iterator[Database]:
    database = Database(f"sqlite:///{server.state}/state.db")
    try:
        yield database
    finally:
        database.close()


def test_agent_renews_in_time_and_goes_on_with_the_new_one(
    server: FleetServer, office: Office
) -> None:
    machine = Aging(server, office, days=75)
    before = machine.certificate

    with running_agent(machine.bench):
        wait_until(lambda: machine.certificate != before)
        first = ordered(server, machine.id, "backup", paths=[str(machine.bench.source)])
        wait_until(lambda: first() == "done")
        # The one shown stays good, should the answer to it have been lost.
        stays = machine.is_accepted(machine.aged)
        # Until the next renewal, by which an agent that still used it would be shut out.
        machine.bench.run("agent", "renew")
        ends = not machine.is_accepted(machine.aged)
        second = ordered(server, machine.id, "backup", paths=[str(machine.bench.source)])
        wait_until(lambda: second() == "done")

    assert (stays, ends) == (True, True)
    assert machine.is_accepted(machine.keep("newest"))
    assert machine.bench.run("agent", "status", "--json").event("agent-state")["troubles"] == []


def test_certificate_that_has_ended_is_refused_and_a_new_registration_mends_it(
    server: FleetServer, office: Office
) -> None:
    machine = Aging(server, office, days=91)

    status = machine.bench.run("agent", "status", "--json", status=3).event("agent-state")
    machine.bench.run("agent", "renew", status=None)
    was_refused = not machine.is_accepted(machine.aged)
    again = office.register(machine.bench).event("machine-registered")

    assert status["troubles"] != []
    assert was_refused
    assert again["machine"] == machine.id
    assert machine.is_accepted(machine.keep("new"))
