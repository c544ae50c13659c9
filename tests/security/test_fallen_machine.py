"""What somebody can do who has all that a machine has: its certificate, password and passphrase.

That stock restic forgets and prunes nothing with them is shown in tests/interop/test_gateway.py.
"""

import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from holdfast.app.control.plane import Actor
from holdfast.app.control.trash import undelete
from holdfast.catalog.trash import Filter
from holdfast.fleet.credentials_file import read_credentials
from holdfast.server.application import PREFIX
from holdfast.testing.clock import FakeClock
from holdfast.testing.gateway import MachineThere, RunningGateway
from holdfast.testing.planes import (
    add_admin,
    add_machine,
    add_vault,
    client_of,
    make_csr,
    make_key,
    make_plane,
)

ADMIN = Actor(kind="person", id="admin", name="admin", is_admin=True)
_METHODS = ("GET", "HEAD", "DELETE", "POST")
_FOLDERS = ("keys", "snapshots", "index", "data")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def machine(gateway: RunningGateway) -> MachineThere:
    return gateway.machine(gateway.vault())


def _ask(who: MachineThere, method: str, path: str, body: bytes | None = None) -> Any:
    with urllib3.PoolManager(
        ca_certs=who.ca_file, cert_file=who.certificate_file, key_file=who.key_file
    ) as pool:
        return pool.request(method, who.url + path, body=body, retries=False)


def _history(machine: MachineThere) -> list[str]:
    """Store one file of each kind; the paths that lead to them."""
    assert _ask(machine, "POST", "config", b"config").status == 200
    paths = ["config"]
    for folder in _FOLDERS:
        content = f"{folder} of {machine.id}".encode()
        paths.append(f"{folder}/{hashlib.sha256(content).hexdigest()}")
        assert _ask(machine, "POST", paths[-1], content).status == 200
    return paths


def _stored(machine: MachineThere) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in machine.folder.rglob("*") if path.is_file()}


def test_even_under_a_lease_it_destroys_nothing(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    paths = _history(machine)
    before = _stored(machine)
    gateway.lease(machine.id)

    deleted = [_ask(machine, "DELETE", path).status for path in paths]
    gone = [_ask(machine, "GET", path).status for path in paths]
    planted = _ask(machine, "POST", "config", b"planted").status
    # The gateway is a process of its own, and remembers for two seconds what is in the trash.
    brought_back = undelete(gateway.plane, ADMIN, Filter(machine_id=machine.id)).files
    threading.Event().wait(2.1)
    there = [_ask(machine, "GET", path).status for path in paths]

    assert (deleted, gone) == ([200] * 5, [404] * 5)
    assert planted == 403
    assert _stored(machine) == before
    assert (brought_back, there) == (5, [200] * 5)


def test_the_lease_of_another_machine_is_of_no_use(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    gateway.lease(gateway.machine(machine.vault_id).id)
    paths = _history(machine)

    assert [_ask(machine, "DELETE", path).status for path in paths] == [403] * 5


def test_another_repository_is_neither_read_nor_changed(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    victim = gateway.machine(machine.vault_id)
    paths, before = _history(victim), _stored(victim)
    gateway.lease(machine.id)
    gateway.lease(victim.id)
    asked = [(method, path) for path in (*paths, "data/", "snapshots/") for method in _METHODS]

    with urllib3.PoolManager(
        ca_certs=machine.ca_file, cert_file=machine.certificate_file, key_file=machine.key_file
    ) as pool:
        answers = [
            pool.request(method, victim.url + path, body=b"x", retries=False)
            for method, path in asked
        ]
        # With its own certificate, but the victim's name.
        login = urllib3.make_headers(basic_auth=f"{victim.id}:{machine.password}")
        answers.append(pool.request("GET", victim.url + "config", headers=login, retries=False))
        dotted = f"{machine.url}data/../../{victim.id}/config"
        answers.append(pool.request("GET", dotted, retries=False))

    assert {answer.status for answer in answers} <= {400, 403}
    assert _stored(victim) == before


class Place:
    """A vault with the file of credentials that all its machines were given."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.plane = make_plane(folder, clock=self.clock)
        self.vault = add_vault(self.plane)
        self.admin = client_of(self.plane, token=add_admin(self.plane).token)
        issued = self.admin.post(f"{PREFIX}/vaults/{self.vault}/credentials").json()
        self.file = read_credentials(issued["content"].encode(), file="x")

    def register(self, csr: str, **more: Any) -> Any:
        body = {
            "credentials_id": self.file.credentials_id,
            "secret": self.file.secret,
            "vault_id": self.vault,
            "csr": csr,
            "name": "alpha",
            "agent_version": "1",
            **more,
        }
        return client_of(self.plane).post(f"{PREFIX}/register", json=body)

    def as_machine(self, fingerprint: str, method: str, path: str, body: Any = None) -> Any:
        client = client_of(self.plane, machine=fingerprint)
        return client.request(method, f"{PREFIX}/agent/{path}", json=body)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.plane.database.close()


def test_credentials_of_the_vault_do_not_make_it_another_machine(place: Place) -> None:
    victim = place.register(make_csr(make_key())).json()
    shown = x509.load_pem_x509_certificate(victim["certificate"].encode())

    answer = place.register(make_csr(make_key()), machine_id=victim["machine_id"])

    assert answer.status_code == 403
    fingerprint = shown.fingerprint(hashes.SHA256()).hex()
    assert place.as_machine(fingerprint, "GET", "commands").is_success


def test_a_request_for_a_certificate_decides_nothing_but_the_key(place: Place) -> None:
    victim, key = add_machine(place.plane, place.vault), make_key()
    names = [x509.NameAttribute(NameOID.COMMON_NAME, victim.id)]
    csr = (
        x509.CertificateSigningRequestBuilder(x509.Name(names))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("server.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )

    reply = place.register(csr.public_bytes(serialization.Encoding.PEM).decode()).json()

    made = x509.load_pem_x509_certificate(reply["certificate"].encode())
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert reply["machine_id"] != victim.id
    assert made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == reply["machine_id"]
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    assert b"server.test" not in made.public_bytes(serialization.Encoding.DER)


def test_an_expired_certificate_is_nobodys(place: Place) -> None:
    machine = add_machine(place.plane, place.vault)
    place.clock.jump(timedelta(days=91))

    answer = place.as_machine(machine.fingerprint, "GET", "commands")

    assert (answer.status_code, answer.json()["code"]) == (401, "not-logged-in")


def test_a_lease_is_short_whatever_is_asked_for(place: Place) -> None:
    machine = add_machine(place.plane, place.vault)
    wanted = {"kind": "prune", "seconds": 86_400}

    lease = place.as_machine(machine.fingerprint, "POST", "leases", wanted).json()
    place.clock.jump(timedelta(minutes=61))
    prolong = f"leases/{lease['id']}/prolong"
    late = place.as_machine(machine.fingerprint, "POST", prolong, {"seconds": 86_400})

    assert lease["expires_at"].startswith("2026-01-01T13:00:00")
    assert (late.status_code, late.json()["code"]) == (409, "lease-over")


def test_it_cannot_end_or_use_what_is_another_machines(place: Place) -> None:
    victim, other = (add_machine(place.plane, place.vault, name) for name in ("a", "b"))
    wanted = {"kind": "prune", "seconds": 60}
    lease = place.as_machine(victim.fingerprint, "POST", "leases", wanted).json()["id"]
    job = place.admin.post(f"{PREFIX}/machines/{victim.id}/jobs", json={"kind": "check"}).json()
    told = {
        "number": 9,
        "kind": "check",
        "origin": "machine",
        "source": "s",
        "state": "done",
        "created_at": "2026-01-01T12:00:00Z",
    }

    answers = [
        place.as_machine(other.fingerprint, "DELETE", f"leases/{lease}"),
        place.as_machine(other.fingerprint, "POST", f"leases/{lease}/prolong", {"seconds": 60}),
        place.as_machine(other.fingerprint, "PUT", f"jobs/{job['id']}", told),
        place.as_machine(other.fingerprint, "POST", "commands/1/taken"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert place.as_machine(other.fingerprint, "GET", "commands").json()["commands"] == []
    assert place.admin.get(f"{PREFIX}/jobs/{job['id']}").json()["job"]["state"] == "waiting"
