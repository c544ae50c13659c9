"""The audit log: who did what, when, from where, and whether it was allowed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.app.control.access import require
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.errors import HoldfastError
from holdfast.catalog import audit as audit_rows
from holdfast.catalog.audit import Filter
from holdfast.catalog.database import Session
from holdfast.catalog.tables import AuditEntry, Vault
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right

DONE = "done"
DENIED = "denied"
FAILED = "failed"
# As many as fit into the database's numbers.
SERVER = Actor(kind="server", id="server", name="server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    id: int
    at: datetime
    actor: str
    address: str
    act: str
    vault_id: str | None
    object: str
    outcome: str
    detail: dict[str, Any]


def note(  # noqa: PLR0913  the columns of the log
    db: Session,
    plane: Plane,
    actor: Actor,
    *,
    act: str,
    vault_id: str | None = None,
    object: str = "",  # noqa: A002  the word of the audit log
    outcome: str = DONE,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write down an act, in the transaction that does it: neither is there without the other."""
    entry = AuditEntry(
        at=plane.clock.now(),
        actor=str(actor),
        address=actor.address,
        act=act,
        vault_id=vault_id,
        object=object,
        outcome=outcome,
        detail=detail or {},
    )
    db.add(entry)


def note_refusal(plane: Plane, actor: Actor, error: HoldfastError, *, request: str) -> None:
    """Write down what was refused; its own transaction was undone, so this is another one."""
    fields = {name: str(value) for name, value in error.fields.items()}
    with plane.database.write() as db:
        note(
            db,
            plane,
            actor,
            act=fields.get("act") or fields.get("right") or error.code,
            vault_id=_vault_id(db, fields.get("object")),
            object=fields.get("object", ""),
            outcome=DENIED,
            detail={"code": error.code, "request": request},
        )


def _vault_id(db: Session, object_: str | None) -> str | None:
    """So that those who watch over a vault see what was tried on it."""
    return object_ if object_ and db.get(Vault, object_) else None


def list_entries(plane: Plane, actor: Actor, wanted: Filter, window: Window) -> Page[Entry]:
    """The newest first; all vaults together are for administrators."""
    before = window.number()
    with plane.database.read() as db:
        require(db, actor, Right.READ_AUDIT, wanted.vault_id)
        rows = audit_rows.newest_first(db, wanted, limit=window.one_more, before=before)
    return make_page(rows, window, key=lambda row: [str(row.id)], view=_entry)


def _entry(row: AuditEntry) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        address=row.address,
        act=row.act,
        vault_id=row.vault_id,
        object=row.object,
        outcome=row.outcome,
        detail=row.detail,
    )
