"""Whether the caller may do what is asked."""

from typing import TypeVar

from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.plane import Actor
from holdfast.catalog import accounts as account_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Alert, AlertTarget, Grant, KeptReport
from holdfast.fleet.roles import Right, Role, Scope, rights_of

# What belongs to a vault, or to the server as a whole.
_OfVault = TypeVar("_OfVault", Alert, AlertTarget, KeptReport)


def rights(db: Session, actor: Actor, vault_id: str | None) -> frozenset[Right]:
    """Every right of this caller on the vault; None: on the server as a whole."""
    if actor.kind == "server":
        return frozenset(Right)
    if actor.kind != "person":
        return frozenset()
    grant = db.get(Grant, (actor.id, vault_id)) if vault_id else None
    role = Role(grant.role) if grant else None
    return rights_of(role, is_admin=actor.is_admin, scopes=actor.scopes)


def require(db: Session, actor: Actor, right: Right, vault_id: str | None) -> None:
    """Raise NotAllowed unless the caller has the right."""
    if right not in rights(db, actor, vault_id):
        where = vault_id or "the server"
        raise NotAllowed(actor=str(actor), right=right.value, object=where)


def readable(db: Session, actor: Actor, model: type[_OfVault], id_: str, what: str) -> _OfVault:
    """The row, if the caller may look at it; else there is none, as far as it is told."""
    row = db.get(model, id_)
    if row is None or Right.READ not in rights(db, actor, row.vault_id):
        raise NotThere(what=what, name=id_)
    return row


def require_whole(actor: Actor) -> None:
    """For what concerns the account itself: a limited token must not get itself a wider one."""
    is_limited = bool(actor.scopes) and Scope.ALL not in actor.scopes
    if actor.kind != "person" or is_limited:
        raise NotAllowed(actor=str(actor), right=Scope.ALL.value, object="its own account")


def readable_vaults(db: Session, actor: Actor) -> frozenset[str] | None:
    """The vaults the caller may look into; None: all of them."""
    if Right.READ in rights(db, actor, None):
        return None
    return frozenset(grant.vault_id for grant in account_rows.grants_of(db, actor.id))
