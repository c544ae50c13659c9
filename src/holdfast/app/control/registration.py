"""Registration: who shows good vault credentials becomes one of the vault's machines.

A machine's id is made from its first public key and the vault, so that the same request, sent
again after a crash or a lost answer, meets the same machine.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.app.control import audit
from holdfast.app.control.alerting import close_alerts, raise_alert, tell_of_act
from holdfast.app.control.certificates import (
    gateway_password,
    give_certificate,
    key_hash_of,
    refuse_revoked,
)
from holdfast.app.control.claiming import Claim, require_claim, require_new
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.identifying import secret_hash
from holdfast.app.control.machine_names import good_host_name, host_of, note_host
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration_errors import (
    CredentialsSuperseded,
    CredentialsUnknown,
    KeyDiffers,
    MachineDeleted,
    MachineUnknown,
    VaultDeleted,
    VaultFull,
    WrongVault,
)
from holdfast.catalog import certificates as certificate_rows
from holdfast.catalog import credentials as credential_rows
from holdfast.catalog import machines as machine_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Credentials, Machine, Vault
from holdfast.fleet.credentials_file import CredentialsCorrupt, CredentialsExpired
from holdfast.fleet.key_proof import KeyProof
from holdfast.fleet.messages import RegisterReply, RegisterRequest

GATEWAY = "/gateway/{vault}/{machine}"
_ID_LENGTH = 16
# What the log calls it, by what made the caller the machine.
_ACTS = {
    None: "machine-register",
    "key": "machine-register-again",
    "replacement": "machine-replace",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of a request says who asks, and for what."""

    credentials_id: str
    secret: str
    vault_id: str
    machine_id: str | None = None
    proofs: Sequence[KeyProof] = ()


def shown_by(request: RegisterRequest) -> Shown:
    return Shown(
        credentials_id=request.credentials_id,
        secret=request.secret,
        vault_id=request.vault_id,
        machine_id=request.machine_id,
        proofs=request.proofs,
    )


def check_credentials(plane: Plane, shown: Shown) -> None:
    """Raise what `register` would raise about the credentials, and change nothing."""
    with plane.database.read() as db:
        vault, row = _vault_of(plane, db, shown)
        machine = _known(db, shown.machine_id, vault)
        if machine is not None:
            require_claim(db, machine, row, Claim(proofs=shown.proofs))
        elif shown.machine_id is None:
            require_new(row)
        if machine is None or machine.state != "active":
            _require_room(db, vault)


def register(plane: Plane, request: RegisterRequest, *, address: str = "") -> RegisterReply:
    key_hash, shown = key_hash_of(request.csr), shown_by(request)
    with plane.database.write() as db:
        vault, row = _vault_of(plane, db, shown)
        machine_rows.lock_vault(db, vault.id)
        refuse_revoked(db, key_hash)
        known = _known(db, request.machine_id or _new_id(vault.id, key_hash), vault)
        claimed_by = None
        if known is not None:
            claim = Claim(proofs=request.proofs, csr=request.csr, key_hash=key_hash)
            claimed_by = require_claim(db, known, row, claim)
        elif request.machine_id is None:
            require_new(row)
        if known is None or known.state != "active":
            _require_room(db, vault)
        machine_id = known.id if known else _new_id(vault.id, key_hash)
        caller = Actor(kind="machine", id=machine_id, name=request.name, address=address)
        entry = _Entry(plane=plane, db=db, caller=caller, request=request, vault=vault)
        machine = entry.machine(known)
        return entry.welcome(machine, key_hash, claimed_by=claimed_by)


def activate(plane: Plane, actor: Actor, *, key_fingerprint: str) -> None:
    """Keep the fingerprint of the repository's key; another one later is refused."""
    with plane.database.write() as db:
        machine = db.get(Machine, actor.id, with_for_update=True)
        if machine is None or actor.kind != "machine":
            raise NotAllowed(actor=str(actor), right="activate", object="machine")
        if machine.key_fingerprint is None:
            machine.key_fingerprint = key_fingerprint
            audit.note(
                db,
                plane,
                actor,
                act="machine-activate",
                vault_id=machine.vault_id,
                object=machine.id,
                detail={"key_fingerprint": key_fingerprint},
            )
        is_other = machine.key_fingerprint != key_fingerprint
        where = {"vault_id": machine.vault_id, "machine_id": machine.id}
        if is_other:
            # Kept although the request is refused: somebody has to look at it.
            raise_alert(db, plane, "key-changed", fields={"machine": machine.name}, **where)
        else:
            close_alerts(db, plane, "key-changed", **where)
    if is_other:
        raise KeyDiffers(machine=actor.id)


def _vault_of(plane: Plane, db: Session, shown: Shown) -> tuple[Vault, Credentials]:
    row = db.get(Credentials, shown.credentials_id)
    is_known = row is not None and hmac.compare_digest(row.secret_hash, secret_hash(shown.secret))
    vault = db.get(Vault, row.vault_id) if row and is_known else None
    if row is None or vault is None:
        raise CredentialsUnknown(credentials=shown.credentials_id)
    if shown.vault_id != row.vault_id:
        raise CredentialsCorrupt(file=row.id, reason="it names another vault than it was made for")
    if vault.deleted_at is not None:
        raise VaultDeleted(vault=vault.name)
    _require_current(plane, db, vault, row)
    return vault, row


def _require_current(plane: Plane, db: Session, vault: Vault, row: Credentials) -> None:
    now = plane.clock.now()
    if row.serial != vault.credentials_serial:
        newest = credential_rows.newest(db, vault.id)
        issued = f"{newest.issued_at:%Y-%m-%d %H:%M} UTC" if newest else "-"
        raise CredentialsSuperseded(
            vault=vault.name, serial=row.serial, newest=vault.credentials_serial, issued=issued
        )
    if row.expires_at <= now:
        expired = f"{row.expires_at:%Y-%m-%d %H:%M} UTC"
        raise CredentialsExpired(vault=vault.name, expired=expired, now=f"{now:%Y-%m-%d %H:%M %Z}")


def _known(db: Session, machine_id: str | None, vault: Vault) -> Machine | None:
    """The machine that registers again; it has to be this vault's."""
    machine = db.get(Machine, machine_id) if machine_id else None
    if machine is None:
        return None
    if machine.vault_id != vault.id:
        raise WrongVault(machine=machine.id, registered=machine.vault_id, wanted=vault.id)
    if machine.state == "deleted":
        deleted = f"{machine.deleted_at:%Y-%m-%d %H:%M} UTC" if machine.deleted_at else "-"
        raise MachineDeleted(machine=machine.id, deleted=deleted)
    return machine


def _require_room(db: Session, vault: Vault) -> None:
    count = machine_rows.count_active(db, vault.id)
    if count >= vault.machine_limit:
        raise VaultFull(vault=vault.name, count=count, limit=vault.machine_limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One registration that nothing stands against."""

    plane: Plane
    db: Session
    caller: Actor
    request: RegisterRequest
    vault: Vault

    def machine(self, known: Machine | None) -> Machine:
        """The machine's row, active, with what it says of itself."""
        machine = known or self._new()
        if host_of(machine) != self._host:
            note_host(self.plane, self.db, self.caller, machine, self._host)
        machine.name = good_host_name(self.request.name)
        machine.state = "active"
        machine.agent_version = self.request.agent_version
        machine.facts = {**machine.facts, **self.request.facts}
        return machine

    def welcome(self, machine: Machine, key_hash: str, *, claimed_by: str | None) -> RegisterReply:
        """Give it what it needs from now on, in place of what it had before."""
        plane, db, now = self.plane, self.db, self.plane.clock.now()
        again = "registered again"
        certificate_rows.revoke(db, machine.id, at=now, reason=again, except_key=key_hash)
        pem = give_certificate(plane, db, machine, self.request.csr, key_hash)
        password = gateway_password(plane, machine.id, key_hash)
        machine.gateway_secret_hash = secret_hash(password)
        credential_rows.count_use(db, self.request.credentials_id)
        self._note(machine, _ACTS[claimed_by])
        if claimed_by == "replacement":
            self._tell_of_replacement(machine)
        return RegisterReply(
            machine_id=machine.id,
            vault_id=self.vault.id,
            vault_name=self.vault.name,
            certificate=pem,
            gateway_path=GATEWAY.format(vault=self.vault.id, machine=machine.id),
            gateway_password=password,
            key_fingerprint=machine.key_fingerprint,
        )

    @property
    def _host(self) -> str:
        return good_host_name(self.request.host or self.request.name)

    def _new(self) -> Machine:
        if self.request.machine_id is not None:
            # An id of its own making could be that of another server's machine.
            raise MachineUnknown(machine=self.request.machine_id)
        machine = Machine(
            id=self.caller.id,
            vault_id=self.vault.id,
            name=good_host_name(self.request.name),
            host=self._host,
            registered_at=self.plane.clock.now(),
            facts={},
        )
        self.db.add(machine)
        return machine

    def _tell_of_replacement(self, machine: Machine) -> None:
        issued = self.db.get_one(Credentials, self.request.credentials_id)
        tell_of_act(
            self.db,
            self.plane,
            "machine-replaced",
            actor=issued.issued_by.rpartition(":")[2],
            about=machine.name,
            vault_id=self.vault.id,
            machine_id=machine.id,
        )

    def _note(self, machine: Machine, act: str) -> None:
        audit.note(
            self.db,
            self.plane,
            self.caller,
            act=act,
            vault_id=self.vault.id,
            object=machine.id,
            detail={"credentials": self.request.credentials_id, "name": machine.name},
        )


def _new_id(vault_id: str, key_hash: str) -> str:
    return hashlib.sha256(f"{vault_id}:{key_hash}".encode()).hexdigest()[:_ID_LENGTH]
