"""A control plane without a process: its database, its keys, people and machines, in a folder.

plane = make_plane(tmp_path)
token = add_admin(plane)
client = client_of(plane, token=token)
client.get("/api/v1/vaults")
"""

import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from holdfast.app.control.authority import load_authority
from holdfast.app.control.identifying import secret_hash
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.clock import Clock
from holdfast.catalog.database import Database
from holdfast.catalog.schema import create_tables
from holdfast.catalog.tables import Account, Certificate, Grant, Machine, Token, Vault
from holdfast.fleet.roles import Role, Scope
from holdfast.storage.location import open_storage, parse_location
from holdfast.storage.protocol import Storage
from holdfast.testing.clock import FakeClock

with warnings.catch_warnings():
    # Starlette would rather have another client library than the one we test with.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

if TYPE_CHECKING:
    from fastapi import FastAPI

ADDRESS = "https://server.test:8443"
_PEER = "holdfast.peer"


def make_plane(
    folder: Path, *, clock: Clock | None = None, database_url: str | None = None
) -> Plane:
    """A plane with all its tables, empty; keys and database lie below the folder."""
    state = folder / "server"
    state.mkdir(parents=True, exist_ok=True)
    clock = clock or FakeClock()
    database = Database(database_url or f"sqlite:///{state}/state.db")
    create_tables(database)
    return Plane(
        database=database,
        clock=clock,
        authority=load_authority(str(state), now=clock.now()),
        address=ADDRESS,
        storage_at=_storage_at,
    )


def add_person(
    plane: Plane,
    name: str = "ada",
    *,
    role: Role | None = None,
    vault_id: str | None = None,
    is_admin: bool = False,
    scopes: tuple[Scope, ...] = (),
) -> "Someone":
    """An account with a token; no password fits it until it is given one."""
    now, account_id, token = plane.clock.now(), f"account-{name}", secrets.token_urlsafe(16)
    with plane.database.write() as db:
        if db.get(Account, account_id) is None:
            db.add(
                Account(
                    id=account_id,
                    name=name,
                    password_hash="-",  # noqa: S106  no hash at all: nothing verifies against it
                    is_admin=is_admin,
                    created_at=now,
                )
            )
            db.flush()
        if role and vault_id:
            db.merge(Grant(account_id=account_id, vault_id=vault_id, role=role.value))
        db.add(
            Token(
                id=secrets.token_hex(8),
                account_id=account_id,
                kind="session",
                name="test",
                secret_hash=secret_hash(token),
                scopes=[scope.value for scope in scopes],
                created_at=now,
                expires_at=now + timedelta(days=3650),
            )
        )
    actor = Actor(
        kind="person", id=account_id, name=name, is_admin=is_admin, scopes=frozenset(scopes)
    )
    return Someone(actor=actor, token=token)


def add_admin(plane: Plane, name: str = "admin") -> "Someone":
    return add_person(plane, name, is_admin=True)


def add_vault(plane: Plane, name: str = "main", location: str | None = None, **more: Any) -> str:
    """A vault's row; its id. Without a location it lies in memory."""
    vault_id = secrets.token_hex(8)
    with plane.database.write() as db:
        db.add(
            Vault(
                id=vault_id,
                name=name,
                location=location or f"memory:{vault_id}",
                created_at=plane.clock.now(),
                **more,
            )
        )
    return vault_id


def add_machine(plane: Plane, vault_id: str, name: str = "alpha", **more: Any) -> "Registered":
    """A machine with a good certificate, as registration would have left it."""
    machine_id, now, key = secrets.token_hex(8), plane.clock.now(), make_key()
    issued = plane.authority.issue_client_certificate(make_csr(key), machine_id, now=now)
    with plane.database.write() as db:
        db.add(
            Machine(
                id=machine_id, vault_id=vault_id, name=name, registered_at=now, facts={}, **more
            )
        )
        db.flush()
        db.add(
            Certificate(
                fingerprint=issued.fingerprint,
                machine_id=machine_id,
                issued_at=now,
                expires_at=issued.expires_at,
            )
        )
    return Registered(
        id=machine_id,
        fingerprint=issued.fingerprint,
        certificate=issued.pem,
        key=key_text(key),
        actor=Actor(kind="machine", id=machine_id, name=name),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    """A person, as a use case is told of them, and their token, as the API is."""

    actor: Actor
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    id: str
    fingerprint: str
    certificate: str
    key: str
    actor: Actor


def client_of(
    plane: Plane, *, token: str | None = None, machine: str | None = None, app: Any = None
) -> TestClient:
    """Requests to the application of this plane; `machine` is a certificate's fingerprint."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    served = app or _app_of(plane)
    if machine:
        served = with_peer(served, machine)
    return TestClient(served, base_url=plane.address, headers=headers)


@contextmanager
def running_client(plane: Plane, **who: Any) -> Iterator[TestClient]:
    """The same with the application's start and end around it."""
    with client_of(plane, **who) as client:
        yield client


def with_peer(app: Any, fingerprint: str) -> Any:
    """The application as a caller reaches it who shows a certificate of this fingerprint."""

    async def shown(scope: Any, receive: Any, send: Any) -> None:
        extensions = {**scope.get("extensions", {}), _PEER: fingerprint}
        await app({**scope, "extensions": extensions}, receive, send)

    return shown


def make_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def make_csr(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, name: str = "machine"
) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder(subject)
    digest = hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None
    request = builder.sign(key, digest)
    return request.public_bytes(serialization.Encoding.PEM).decode()


def key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _storage_at(place: str) -> Storage:
    return open_storage(parse_location(place), {})


def _app_of(plane: Plane) -> "FastAPI":
    from holdfast.server.application import make_app

    return make_app(plane)
