"""Vault credentials: issue the file with which machines register."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control import audit
from holdfast.app.control.access import require, rights
from holdfast.app.control.errors import NotThere
from holdfast.app.control.identifying import secret_hash
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration_errors import (
    CredentialsDenied,
    MachineDeleted,
    VaultDeleted,
    VaultFull,
)
from holdfast.app.control.replaying import id_for, made_before, secret_for
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import credentials as credential_rows
from holdfast.catalog import machines as machine_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Credentials, Machine, Vault
from holdfast.fleet.credentials_file import CredentialsFile, write_credentials
from holdfast.fleet.roles import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCredentials:
    """The file, and what a person should know of it."""

    id: str
    vault_id: str
    vault_name: str
    serial: int
    issued_at: datetime
    expires_at: datetime
    # The one machine it is for; None: any number of new ones.
    replaces: str | None
    file_name: str
    content: str


def issue_credentials(
    plane: Plane, actor: Actor, wanted: str, *, replaces: str | None = None
) -> IssuedCredentials:
    """A new file for the vault; those issued before it are no longer good.

    With `replaces` it is for this one machine, once: a new disk goes on with its recovery points.
    """
    with plane.database.write() as db:
        vault = any_vault(db, wanted)
        _require_right(db, actor, vault)
        same = {"vault_id": vault.id, "replaces": replaces}
        before = made_before(plane, db, actor, table=Credentials, same=same, at="issued_at")
        if before is not None:
            secret = secret_for(plane, actor, "credentials", at=before.issued_at)
            return _issued(plane, vault, before, secret=secret)
        machine = _replaced(db, vault, replaces) if replaces is not None else None
        _require_room(db, vault, machine)
        row, secret = _new_row(plane, db, actor, vault)
        row.replaces = machine.id if machine else None
        audit.note(
            db,
            plane,
            actor,
            act="credentials-issue",
            vault_id=vault.id,
            object=row.id,
            detail={
                "serial": row.serial,
                "expires_at": row.expires_at.isoformat(),
                **({"replaces": row.replaces} if row.replaces else {}),
            },
        )
        return _issued(plane, vault, row, secret=secret)


def _require_right(db: Session, actor: Actor, vault: Vault) -> None:
    # Who may not even look learns no more than that; who may is told what the role lacks.
    require(db, actor, Right.READ, vault.id)
    if Right.REGISTER not in rights(db, actor, vault.id):
        right = Right.REGISTER.value
        raise CredentialsDenied(actor=str(actor), object=vault.name, right=right)


def _replaced(db: Session, vault: Vault, machine_id: str) -> Machine:
    machine = db.get(Machine, machine_id)
    if machine is None or machine.vault_id != vault.id:
        raise NotThere(what=_("machine"), name=machine_id)
    if machine.state == "deleted":
        deleted = f"{machine.deleted_at:%Y-%m-%d %H:%M} UTC" if machine.deleted_at else "-"
        raise MachineDeleted(machine=machine.id, deleted=deleted)
    return machine


def _require_room(db: Session, vault: Vault, replaced: Machine | None) -> None:
    if vault.deleted_at is not None:
        raise VaultDeleted(vault=vault.name)
    if replaced is not None and replaced.state == "active":
        # It has its place already.
        return
    count = machine_rows.count_active(db, vault.id)
    if count >= vault.machine_limit:
        raise VaultFull(vault=vault.name, count=count, limit=vault.machine_limit)


def _new_row(plane: Plane, db: Session, actor: Actor, vault: Vault) -> tuple[Credentials, str]:
    now = plane.clock.now()
    secret = secret_for(plane, actor, "credentials", at=now)
    row = Credentials(
        id=id_for(actor),
        vault_id=vault.id,
        serial=credential_rows.next_serial(db, vault.id),
        secret_hash=secret_hash(secret),
        issued_by=str(actor),
        issued_at=now,
        expires_at=now + timedelta(hours=vault.credential_hours),
        used=0,
    )
    db.add(row)
    return row, secret


def _issued(plane: Plane, vault: Vault, row: Credentials, *, secret: str) -> IssuedCredentials:
    body = CredentialsFile(
        servers=(plane.address,),
        ca=plane.authority.trust_pem,
        vault_id=vault.id,
        vault_name=vault.name,
        credentials_id=row.id,
        serial=row.serial,
        secret=secret,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        replaces=row.replaces,
    )
    authority = plane.authority
    content = write_credentials(body, public_key=authority.signing_public, sign=authority.sign)
    return IssuedCredentials(
        id=row.id,
        vault_id=vault.id,
        vault_name=vault.name,
        serial=row.serial,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        replaces=row.replaces,
        file_name=_file_name(vault.name, row.issued_at),
        content=content,
    )


def _file_name(vault: str, at: datetime) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", vault).strip("-.") or "vault"
    return f"{plain}-{at:%Y%m%d-%H%M}.holdfast-credentials"
