"""What the gateway may do for whom: entrance, and the one way files of a repository go."""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from holdfast.app.control import audit
from holdfast.app.control.errors import NotAllowed, NotLoggedIn, NotThere
from holdfast.app.control.identifying import machine_of, secret_hash
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.catalog import leases as lease_rows
from holdfast.catalog import trash as trash_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Trashed, Vault
from holdfast.storage.below import BelowStorage
from holdfast.storage.dated import modified
from holdfast.storage.errors import FileMissing
from holdfast.storage.protocol import Storage
from holdfast.storage.rest_errors import BeingPurged, DeleteNeedsLease, StillImmutable

_REMOVED = ("deleted", "purged")
# No history is in these: locks, and the ledger of what was verified when.
_FREE = ("locks/", "holdfast/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """How whoever calls says who they are: a certificate, or a machine's id and its password."""

    fingerprint: str | None = None
    user: str | None = None
    secret: str | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRepository:
    """The repository of one machine, with the rules its vault has for it."""

    vault_id: str
    machine_id: str
    location: str
    is_lab: bool
    # How long what is deleted can come back; None: not at all.
    trash_days: int | None
    # Younger files cannot be deleted by anyone.
    min_age_days: int
    machine_quota: int | None
    vault_quota: int | None
    machine_rate: int | None
    vault_rate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    actor: Actor
    repository: MachineRepository
    # False for another machine that was allowed to restore from it.
    may_write: bool


def admit(plane: Plane, caller: Caller, vault_id: str, machine_id: str) -> Admission:
    """Let a machine into its own repository, or another into it that was granted to read."""
    actor = _identify(plane, caller)
    with plane.database.read() as db:
        vault, machine = db.get(Vault, vault_id), db.get(Machine, machine_id)
        is_own = actor.id == machine_id
        if (
            not is_own
            and trash_rows.reader_grant(db, machine_id, actor.id, plane.clock.now()) is None
        ):
            # Said first, so that strangers do not learn which machines there are.
            raise NotAllowed(actor=str(actor), right="read-grant", object=machine_id)
    if machine is None or machine.vault_id != vault_id or machine.state in _REMOVED:
        raise NotThere(what=_("machine"), name=machine_id)
    if vault is None or vault.deleted_at is not None:
        raise NotThere(what=_("vault"), name=vault_id)
    return Admission(actor=actor, repository=_rules(vault, machine), may_write=is_own)


def repository_of(db: Session, machine_id: str) -> MachineRepository:
    machine = db.get(Machine, machine_id)
    vault = db.get(Vault, machine.vault_id) if machine else None
    if machine is None or vault is None:
        raise NotThere(what=_("machine"), name=machine_id)
    return _rules(vault, machine)


def storage_of(plane: Plane, repository: MachineRepository) -> Storage:
    """Where the machine's files lie: a folder of its own in the vault's location."""
    return BelowStorage(plane.storage_at(repository.location), repository.machine_id)


def _identify(plane: Plane, caller: Caller) -> Actor:
    if caller.fingerprint:
        return machine_of(plane, caller.fingerprint, address=caller.address)
    if not caller.user or not caller.secret:
        raise NotLoggedIn(
            reason="neither a client certificate nor a password was shown", server=plane.address
        )
    with plane.database.read() as db:
        machine = db.get(Machine, caller.user)
    kept = machine.gateway_secret_hash if machine else None
    is_right = hmac.compare_digest(kept or "", secret_hash(caller.secret))
    if machine is None or not is_right or machine.state != "active":
        raise NotLoggedIn(reason="name or password is wrong", server=plane.address)
    return Actor(kind="machine", id=machine.id, name=machine.name, address=caller.address)


def _rules(vault: Vault, machine: Machine) -> MachineRepository:
    keeps = vault.soft_delete != "off" and not vault.is_lab
    is_immutable = vault.immutability != "off" and not vault.is_lab
    return MachineRepository(
        vault_id=vault.id,
        machine_id=machine.id,
        location=vault.location,
        is_lab=vault.is_lab,
        trash_days=vault.soft_delete_days if keeps else None,
        min_age_days=vault.min_retention_days if is_immutable else 0,
        machine_quota=machine.quota_bytes,
        vault_quota=vault.quota_bytes,
        machine_rate=machine.limit_rate,
        vault_rate=vault.limit_rate,
    )


def delete_file(plane: Plane, storage: Storage, name: str, *, admission: Admission) -> int:
    """Delete a file as the rules have it; how many bytes are free now, which is none for trash."""
    repository = admission.repository
    if repository.is_lab or name.startswith(_FREE):
        return _remove(storage, name)
    try:
        _require_lease(plane, repository, storage, name)
        size = _size_if_old_enough(plane, repository, storage, name)
    except (DeleteNeedsLease, StillImmutable) as err:
        _note_refusal(plane, admission, name, err)
        raise
    if size is None:
        return 0
    if repository.trash_days is None:
        return _remove(storage, name)
    _trash(plane, repository, storage, name, size=size)
    return 0


def _remove(storage: Storage, name: str) -> int:
    try:
        size = storage.size(name)
    except FileMissing:
        return 0
    storage.delete(name)
    return size


def _require_lease(
    plane: Plane, repository: MachineRepository, storage: Storage, name: str
) -> None:
    with plane.database.read() as db:
        lease = lease_rows.active(db, repository.machine_id, plane.clock.now())
    if lease is None:
        raise DeleteNeedsLease(place=storage.place, name=name)


def _size_if_old_enough(
    plane: Plane, repository: MachineRepository, storage: Storage, name: str
) -> int | None:
    """The size, None where there is no such file."""
    try:
        size = storage.size(name)
        since = modified(storage, name) if repository.min_age_days else None
    except FileMissing:
        return None
    if repository.min_age_days:
        oldest = plane.clock.now() - timedelta(days=repository.min_age_days)
        # A storage that cannot tell a file's age keeps all of them.
        if since is None or since > oldest:
            raise StillImmutable(place=storage.place, name=name, days=repository.min_age_days)
    return size


def _trash(
    plane: Plane, repository: MachineRepository, storage: Storage, name: str, *, size: int
) -> None:
    now = plane.clock.now()
    with plane.database.write() as db:
        lease = lease_rows.active(db, repository.machine_id, now)
        if lease is None:
            raise DeleteNeedsLease(place=storage.place, name=name)
        if db.get(Trashed, (repository.machine_id, name)) is None:
            row = Trashed(
                machine_id=repository.machine_id,
                name=name,
                size=size,
                lease_id=lease.id,
                deleted_at=now,
                purge_at=now + timedelta(days=repository.trash_days or 0),
            )
            db.add(row)


def _note_refusal(plane: Plane, admission: Admission, name: str, error: HoldfastError) -> None:
    with plane.database.write() as db:
        audit.note(
            db,
            plane,
            admission.actor,
            act="gateway-delete",
            vault_id=admission.repository.vault_id,
            object=name,
            outcome=audit.DENIED,
            detail={"code": error.code},
        )


def bring_back(plane: Plane, repository: MachineRepository, storage: Storage, name: str) -> bool:
    """A file that was stored again is no longer deleted; whether it had been."""
    key = (repository.machine_id, name)
    with plane.database.read() as db:
        if db.get(Trashed, key) is None:
            return False
    with plane.database.write() as db:
        row = db.get(Trashed, key, with_for_update=True)
        if row is None:
            return False
        if row.purging_at is not None:
            raise BeingPurged(place=storage.place, name=name)
        db.delete(row)
    return True


def settle_new(plane: Plane, repository: MachineRepository, name: str) -> None:
    """A file was stored where there was none: no former row may hide it, or have it purged."""
    key = (repository.machine_id, name)
    with plane.database.read() as db:
        if db.get(Trashed, key) is None:
            return
    with plane.database.write() as db:
        trash_rows.forget(db, repository.machine_id, [name])
