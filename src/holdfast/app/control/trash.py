"""What machines deleted and nobody purged yet: seen by people, and brought back by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control import audit
from holdfast.app.control.access import require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import done_before, note_done
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import trash as trash_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Trashed
from holdfast.catalog.trash import Filter
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right

_MOST_NAMES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashedFile:
    name: str
    size: int
    lease_id: str | None
    deleted_at: datetime
    purge_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashTotal:
    """All that a machine has in the trash."""

    machine_id: str
    files: int
    size: int
    next_purge_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeleted:
    files: int


def list_trash(plane: Plane, actor: Actor, machine_id: str, window: Window) -> Page[TrashedFile]:
    """By name, a page at a time."""
    parts = window.parts(1)
    with plane.database.read() as db:
        _machine(db, actor, machine_id, Right.READ)
        wanted = Filter(machine_id=machine_id)
        after = parts[0] if parts else None
        rows = trash_rows.page(db, wanted, limit=window.one_more, after=after)
    return make_page(rows, window, key=lambda row: [row.name], view=_view)


def trash_totals(plane: Plane, actor: Actor, vault: str) -> list[TrashTotal]:
    """Of every machine of a vault, which is given by name or id."""
    with plane.database.read() as db:
        row = any_vault(db, vault)
        require(db, actor, Right.READ, row.id)
        found = trash_rows.totals(db, row.id)
    return [
        TrashTotal(machine_id=machine_id, files=files, size=size, next_purge_at=first)
        for machine_id, files, size, first in found
    ]


def undelete(
    plane: Plane, actor: Actor, wanted: Filter, names: Sequence[str] | None = None
) -> Undeleted:
    """Bring files back: those named, or all that the filter lets through."""
    with plane.database.write() as db:
        machine = _machine(db, actor, wanted.machine_id, Right.UNDELETE)
        before = done_before(db, actor)
        if before is not None:
            return Undeleted(files=before["files"])
        found = trash_rows.take_back(db, wanted, names)
        note_done(db, actor, files=len(found))
        audit.note(
            db,
            plane,
            actor,
            act="trash-undelete",
            vault_id=machine.vault_id,
            object=machine.id,
            detail={"files": len(found), "first": sorted(found)[:_MOST_NAMES]},
        )
    return Undeleted(files=len(found))


def _machine(db: Session, actor: Actor, machine_id: str, right: Right) -> Machine:
    machine = db.get(Machine, machine_id)
    # Who may see nothing here learns no more from a machine that is there.
    require(db, actor, right, machine.vault_id if machine else None)
    if machine is None:
        raise NotThere(what=_("machine"), name=machine_id)
    return machine


def _view(row: Trashed) -> TrashedFile:
    return TrashedFile(
        name=row.name,
        size=row.size,
        lease_id=row.lease_id,
        deleted_at=row.deleted_at,
        purge_at=row.purge_at,
    )
