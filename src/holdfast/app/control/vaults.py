"""Vaults: made, looked at, changed, deleted softly and brought back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control import audit, vault_settings
from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.alerting import tell_of_act
from holdfast.app.control.errors import AlreadyThere
from holdfast.app.control.names import good_name
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import done_before, id_for, made_before, note_done
from holdfast.app.control.stepping_up import require_step_up
from holdfast.app.control.vault_errors import ProtectionLocked, VaultInUse, VaultKept
from holdfast.app.control.vault_places import prove_place, read_place, require_own
from holdfast.app.control.vault_rows import any_vault, live_vault, locked_vault
from holdfast.app.control.vault_settings import Immutability, SoftDelete, Wanted
from holdfast.base.texts import N_, _
from holdfast.catalog import usage as usage_rows
from holdfast.catalog import vaults as vault_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Vault
from holdfast.catalog.usage import Held
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultFacts:
    id: str
    name: str
    location: str
    created_at: datetime
    machine_limit: int
    credential_hours: int
    soft_delete: str
    soft_delete_days: int
    immutability: str
    min_retention_days: int
    backup_within_days: int
    four_eyes: bool
    is_lab: bool
    quota_bytes: int | None
    limit_rate: int | None
    # Machines that are active, and what all of them stored.
    machines: int
    bytes_stored: int
    files_stored: int
    deleted_at: datetime | None
    purge_at: datetime | None


def create_vault(
    plane: Plane, actor: Actor, *, name: str, location: str, is_lab: bool = False
) -> VaultFacts:
    """The place is tried out before the vault is there."""
    wanted, place = good_name(name, "vault"), read_place(location, is_lab=is_lab)
    same = {"name": wanted, "location": str(place), "is_lab": is_lab}
    with plane.database.read() as db:
        require(db, actor, Right.CREATE_VAULT, None)
        before = made_before(plane, db, actor, table=Vault, same=same, at="created_at")
        if before is not None:
            return _facts(db, before)
        _require_free(db, wanted)
        require_own(place, vault_rows.places(db))
    prove_place(plane, place)
    with plane.database.write() as db:
        require(db, actor, Right.CREATE_VAULT, None)
        vault_rows.lock_all(db)
        _require_free(db, wanted)
        require_own(place, vault_rows.places(db))
        vault = Vault(**same, id=id_for(actor), created_at=plane.clock.now())
        db.add(vault)
        db.flush()
        audit.note(
            db,
            plane,
            actor,
            act="vault-create",
            vault_id=vault.id,
            object=wanted,
            detail={"location": str(place), "is_lab": is_lab},
        )
        return _facts(db, vault)


def list_vaults(
    plane: Plane, actor: Actor, window: Window, *, with_deleted: bool = False
) -> Page[VaultFacts]:
    """Those one may look into."""
    parts = window.parts(1)
    with plane.database.read() as db:
        rows = vault_rows.all_by_name(
            db,
            limit=window.one_more,
            among=readable_vaults(db, actor),
            with_deleted=with_deleted,
            after=parts[0] if parts else None,
        )
        held = usage_rows.of_vaults(db, [row.id for row in rows])
    return make_page(
        rows, window, key=lambda row: [row.name], view=lambda row: _view(row, held.get(row.id))
    )


def show_vault(plane: Plane, actor: Actor, wanted: str) -> VaultFacts:
    """By its id or its name."""
    with plane.database.read() as db:
        vault = any_vault(db, wanted)
        require(db, actor, Right.READ, vault.id)
        return _facts(db, vault)


def change_vault(plane: Plane, actor: Actor, vault_id: str, wanted: Wanted) -> VaultFacts:
    """What weakens the protection needs PIN and approval; what was set for good stays."""
    with plane.database.write() as db:
        vault = live_vault(db, vault_id, lock=True)
        require(db, actor, Right.CHANGE_PROTECTION, vault.id)
        changes = wanted.changes(vault)
        vault_settings.check(vault, changes)
        if "name" in changes:
            changes["name"] = good_name(changes["name"], "vault")
            _require_free(db, changes["name"])
        if vault_settings.takes_away(vault, changes):
            require_step_up(plane, db, actor, "vault-weaken", vault, changes)
        for kind in vault_settings.alerts_for(vault, changes):
            about = vault.name
            tell_of_act(db, plane, kind, actor=actor.name, about=about, vault_id=vault.id)
        before = {name: getattr(vault, name) for name in changes}
        for name, value in changes.items():
            setattr(vault, name, value)
        detail = {name: [before[name], changes[name]] for name in changes}
        if changes:
            audit.note(
                db,
                plane,
                actor,
                act="vault-change",
                vault_id=vault.id,
                object=vault.name,
                detail=detail,
            )
        return _facts(db, vault)


def delete_vault(plane: Plane, actor: Actor, vault_id: str) -> VaultFacts:
    """Softly, if the vault says so: it can be undeleted until `purge_at`."""
    now = plane.clock.now()
    with plane.database.write() as db:
        vault = live_vault(db, vault_id, lock=True)
        require(db, actor, Right.DELETE_VAULT, vault.id)
        _require_unused(db, vault)
        require_step_up(plane, db, actor, "vault-delete", vault, {"vault": vault.id})
        vault.deleted_at, vault.purge_at = now, now + _grace(vault)
        tell_of_act(
            db,
            plane,
            "data-deleted",
            actor=actor.name,
            about=vault.name,
            vault_id=vault.id,
            until=vault.purge_at,
        )
        audit.note(
            db,
            plane,
            actor,
            act="vault-delete",
            vault_id=vault.id,
            object=vault.name,
            detail={"purge_at": vault.purge_at.isoformat()},
        )
        return _facts(db, vault)


def undelete_vault(plane: Plane, actor: Actor, vault_id: str) -> VaultFacts:
    with plane.database.write() as db:
        vault = locked_vault(db, vault_id)
        require(db, actor, Right.UNDELETE, vault.id)
        if done_before(db, actor) is not None:
            return _facts(db, vault)
        if vault.deleted_at is None:
            raise VaultKept(vault=vault.name, reason=_("it is not deleted"))
        if vault.purge_at is not None and vault.purge_at <= plane.clock.now():
            raise VaultKept(vault=vault.name, reason=_("its data is being purged"))
        vault.deleted_at = vault.purge_at = None
        note_done(db, actor)
        audit.note(db, plane, actor, act="vault-undelete", vault_id=vault.id, object=vault.name)
        return _facts(db, vault)


def _grace(vault: Vault) -> timedelta:
    """Frozen at this moment: a later change of the setting moves no date."""
    is_soft = vault.soft_delete != SoftDelete.OFF and not vault.is_lab
    return timedelta(days=vault.soft_delete_days if is_soft else 0)


def _require_free(db: Session, name: str) -> None:
    if vault_rows.by_name(db, name) is not None:
        raise AlreadyThere(what=_("vault"), name=name)


def _require_unused(db: Session, vault: Vault) -> None:
    counts = {N_("active machines"): vault_rows.machines_in(db, vault.id, state="active")}
    if not vault.is_lab:
        counts[N_("machines deleted softly")] = vault_rows.machines_in(
            db, vault.id, state="deleted"
        )
        counts[N_("files in the trash")] = vault_rows.trashed_in(db, vault.id)
    for what, count in counts.items():
        if count:
            raise VaultInUse(vault=vault.name, count=count, what=_(what))
    if vault.immutability != Immutability.OFF and usage_rows.of_vault(db, vault.id).size:
        raise ProtectionLocked(
            setting="immutability",
            vault=vault.name,
            old=vault.immutability,
            new="deleted",
            reason=_("it holds data that must not be deleted"),
        )


def _facts(db: Session, row: Vault) -> VaultFacts:
    return _view(row, usage_rows.of_vaults(db, [row.id]).get(row.id))


def _view(row: Vault, held: Held | None) -> VaultFacts:
    held = held or Held()
    return VaultFacts(
        id=row.id,
        name=row.name,
        location=row.location,
        created_at=row.created_at,
        machine_limit=row.machine_limit,
        credential_hours=row.credential_hours,
        soft_delete=row.soft_delete,
        soft_delete_days=row.soft_delete_days,
        immutability=row.immutability,
        min_retention_days=row.min_retention_days,
        backup_within_days=row.backup_within_days,
        four_eyes=row.four_eyes,
        is_lab=row.is_lab,
        quota_bytes=row.quota_bytes,
        limit_rate=row.limit_rate,
        machines=held.machines,
        bytes_stored=held.size,
        files_stored=held.files,
        deleted_at=row.deleted_at,
        purge_at=row.purge_at,
    )
