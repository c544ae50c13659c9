"""Roles of people in vaults."""

from dataclasses import dataclass

from holdfast.app.control import audit
from holdfast.app.control.access import require
from holdfast.app.control.accounts import named
from holdfast.app.control.alerting import tell_of_act
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.sessions import RoleIn
from holdfast.app.control.vault_rows import any_vault, live_vault
from holdfast.catalog import accounts as account_rows
from holdfast.catalog.tables import Grant, Vault
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import MATRIX, Right, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFacts:
    account: str
    vault_id: str
    role: str


def set_role(plane: Plane, actor: Actor, vault_id: str, *, account: str, role: Role | None) -> None:
    """Give the account this role and no other; None takes it away."""
    with plane.database.write() as db:
        vault = live_vault(db, vault_id)
        require(db, actor, Right.GRANT_ACCESS, vault.id)
        person = named(db, account)
        held = db.get(Grant, (person.id, vault.id))
        could = held is not None and _decides(Role(held.role))
        if vault.four_eyes and role is not None and _decides(role) and not could:
            about = f"{vault.name}/{account}"
            tell_of_act(
                db, plane, "approver-made", actor=actor.name, about=about, vault_id=vault.id
            )
        if role is not None:
            db.merge(Grant(account_id=person.id, vault_id=vault.id, role=role.value))
        elif held is not None:
            db.delete(held)
        audit.note(
            db,
            plane,
            actor,
            act="grant" if role else "grant-revoke",
            vault_id=vault.id,
            object=account,
            detail={"role": role.value if role else None},
        )


def _decides(role: Role) -> bool:
    return Right.DECIDE_APPROVALS in MATRIX[role]


def roles_of(plane: Plane, actor: Actor, account: str) -> list[RoleIn]:
    """Where the account has which role; for those who make accounts."""
    with plane.database.read() as db:
        require(db, actor, Right.MANAGE_ACCOUNTS, None)
        held = account_rows.grants_of(db, named(db, account).id)
        found = [(db.get_one(Vault, grant.vault_id), grant.role) for grant in held]
        roles = [RoleIn(vault_id=one.id, vault=one.name, role=role) for one, role in found]
    return sorted(roles, key=lambda one: one.vault)


def list_grants(plane: Plane, actor: Actor, vault_id: str, window: Window) -> Page[GrantFacts]:
    parts = window.parts(1)
    with plane.database.read() as db:
        vault = any_vault(db, vault_id)
        require(db, actor, Right.READ_AUDIT, vault.id)
        after = parts[0] if parts else None
        rows = account_rows.grants_on(db, vault.id, limit=window.one_more, after=after)
    return make_page(
        rows,
        window,
        key=lambda row: [row[1].name],
        view=lambda row: GrantFacts(
            account=row[1].name, vault_id=row[0].vault_id, role=row[0].role
        ),
    )
