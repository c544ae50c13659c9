"""Whether the caller may do what is asked."""

from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.plane import Actor
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Grant
from holdfast.fleet.roles import Right, Role, rights_of


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
