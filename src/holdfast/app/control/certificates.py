"""Machines' certificates: given, renewed, taken back."""

import base64
import hashlib

from cryptography.hazmat.primitives import serialization

from holdfast.app.control import audit
from holdfast.app.control.certifying import requested_key
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration_errors import KeyRevoked
from holdfast.base.texts import _
from holdfast.catalog import certificates as certificate_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Certificate, Machine

_PASSWORD_LENGTH = 32


def key_hash_of(csr: str) -> str:
    """SHA-256 of the public key whose holder made this request."""
    key = requested_key(csr)
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def refuse_revoked(db: Session, key_hash: str) -> None:
    """What was taken back once stays so, or an old request could be played again."""
    for row in certificate_rows.by_key(db, key_hash):
        if row.revoked_at is not None:
            raise KeyRevoked(machine=row.machine_id)


def give_certificate(plane: Plane, db: Session, machine: Machine, csr: str, key_hash: str) -> str:
    """A certificate for the machine, known from now on; its PEM."""
    now = plane.clock.now()
    issued = plane.authority.issue_client_certificate(csr, machine.id, now=now)
    db.flush()
    db.add(
        Certificate(
            fingerprint=issued.fingerprint,
            machine_id=machine.id,
            issued_at=now,
            expires_at=issued.expires_at,
            key_hash=key_hash,
        )
    )
    db.flush()
    return issued.pem


def renew(plane: Plane, actor: Actor, *, csr: str, shown: str) -> str:
    """A new certificate; the one shown stays good, should the answer be lost on its way."""
    key_hash = key_hash_of(csr)
    with plane.database.write() as db:
        machine = db.get(Machine, actor.id) if actor.kind == "machine" else None
        if machine is None:
            raise NotAllowed(actor=str(actor), right="renew", object="machine")
        refuse_revoked(db, key_hash)
        _require_own(db, machine, key_hash)
        certificate_rows.revoke(
            db,
            machine.id,
            at=plane.clock.now(),
            reason="renewed",
            except_key=key_hash,
            except_fingerprint=shown,
        )
        pem = give_certificate(plane, db, machine, csr, key_hash)
        audit.note(
            db,
            plane,
            actor,
            act="certificate-renew",
            vault_id=machine.vault_id,
            object=machine.id,
        )
        return pem


def take_back(plane: Plane, db: Session, machine: Machine, *, reason: str) -> None:
    """No certificate and no password of the machine is good any more."""
    certificate_rows.revoke(db, machine.id, at=plane.clock.now(), reason=reason)
    machine.gateway_secret_hash = None


def gateway_password(plane: Plane, machine_id: str, key_hash: str) -> str:
    """For stock restic. The same for the same key, so that a repeated request changes nothing."""
    signed = plane.authority.sign(f"gateway-password:{machine_id}:{key_hash}".encode())
    digest = hashlib.sha256(signed).digest()
    return base64.urlsafe_b64encode(digest).decode()[:_PASSWORD_LENGTH]


def _require_own(db: Session, machine: Machine, key_hash: str) -> None:
    for row in certificate_rows.by_key(db, key_hash):
        if row.machine_id != machine.id:
            raise NotThere(what=_("machine"), name=row.machine_id)
