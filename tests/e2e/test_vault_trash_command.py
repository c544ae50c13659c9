"""`holdfast vault trash` and `vault scrub` against a real server, and the gateway inside it."""

import hashlib
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from holdfast.app.login_file import Login, write_login
from holdfast.fleet.credentials_file import read_credentials
from holdfast.storage.errors import FileMissing
from holdfast.storage.rest import Door, RestStorage
from holdfast.storage.rest_errors import DeleteNeedsLease
from holdfast.testing.fleet import FleetServer
from holdfast.testing.planes import key_text, make_csr, make_key
from tests.e2e.conftest import Bench


@dataclass(frozen=True)
class Machine:
    """The machine `web1` of the vault `main`, by its certificate."""

    server: FleetServer
    id: str
    storage: RestStorage
    certificate: str
    key: str

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        name = f"data/{digest[:2]}/{digest}"
        self.storage.put(name, content)
        return name

    def delete(self, name: str) -> None:
        context = ssl.create_default_context(cafile=str(self.server.ca_file))
        context.load_cert_chain(self.certificate, self.key)
        with httpx.Client(base_url=self.server.url, verify=context, timeout=90) as client:
            wanted = {"kind": "prune", "seconds": 60}
            lease = client.post("/api/v1/agent/leases", json=wanted).raise_for_status().json()
            self.storage.delete(name)
            client.delete(f"/api/v1/agent/leases/{lease['id']}").raise_for_status()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("trash")
    with FleetServer(folder, workflows=False) as server, server.client() as client:
        made = {"name": "main", "location": str(folder / "vault")}
        client.post("/api/v1/vaults", json=made).raise_for_status()
        issued = client.post("/api/v1/vaults/main/credentials").raise_for_status().json()
        yield _register(server, client, issued["content"].encode(), folder)


def _register(
    server: FleetServer, client: httpx.Client, credentials: bytes, folder: Path
) -> Machine:
    file, key = read_credentials(credentials, file="x"), make_key()
    request = {
        "credentials_id": file.credentials_id,
        "secret": file.secret,
        "vault_id": file.vault_id,
        "csr": make_csr(key),
        "name": "web1",
        "agent_version": "1",
    }
    reply = client.post("/api/v1/register", json=request).raise_for_status().json()
    certificate, key_file = folder / "machine.pem", folder / "machine.key"
    certificate.write_text(reply["certificate"])
    key_file.write_text(key_text(key))
    door = Door(
        url=f"{server.url}/gateway/{file.vault_id}/{reply['machine_id']}/",
        place="rest+https://server",
        ca_file=str(server.ca_file),
        certificate=str(certificate),
        key=str(key_file),
    )
    return Machine(server, reply["machine_id"], RestStorage(door), str(certificate), str(key_file))


@pytest.fixture
def bench(machine: Machine, empty: Bench) -> Bench:
    login = Login(
        server=machine.server.url,
        ca_pem=machine.server.ca_file.read_text(),
        name="admin",
        token=machine.server.admin_token,
        expires_at=None,
    )
    write_login(str(empty.home), login)
    return empty


def test_what_a_machine_deleted_is_listed_and_brought_back(machine: Machine, bench: Bench) -> None:
    name = machine.put(b"precious")
    with pytest.raises(DeleteNeedsLease):
        machine.storage.delete(name)
    machine.delete(name)
    with pytest.raises(FileMissing):
        machine.storage.get(name)

    totals = bench.run("vault", "trash", "main", "--json")
    listed = bench.run("vault", "trash", "main", "--machine", "web1")
    done = bench.run("vault", "trash", "main", "--machine", "web1", "--undelete", "all")

    assert json.loads(totals.out.splitlines()[0])["record"]["files"] == 1
    assert name in listed.out
    assert "1 file is back" in done.out
    assert machine.storage.get(name) == b"precious"


def test_wishes_that_do_not_fit_together_are_told_apart(bench: Bench) -> None:
    bench.run("vault", "trash", "main", "--undelete", "all", status=2)
    bench.run(
        "vault",
        "trash",
        "main",
        "--machine",
        "web1",
        "--undelete",
        "x",
        "--since",
        "2026-01-01",
        status=2,
    )
    bench.run(
        "vault",
        "trash",
        "main",
        "--machine",
        "web1",
        "--undelete",
        "all",
        "--since",
        "soon",
        status=2,
    )


def test_a_scrub_is_ordered_for_each_machine_and_shown(machine: Machine, bench: Bench) -> None:
    before = bench.run("vault", "scrub", "main", "--show")
    ordered = bench.run("vault", "scrub", "main")

    assert "never" in before.out
    assert "web1" in ordered.out
