"""Reports that were made at hosts, as those of the planner, and are kept here to be shown around."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.access import readable, require
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import id_for, made_before
from holdfast.app.control.reports.capacity import vaults_asked
from holdfast.app.control.vault_rows import live_vault
from holdfast.base.texts import _
from holdfast.catalog import kept_reports as rows
from holdfast.catalog.tables import KeptReport
from holdfast.fleet.local_time import in_utc
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right

PLANNER = "planner"
# Of each vault and kind; the oldest makes room.
_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """`vault` is an id or a name."""

    vault: str
    title: str
    page: str
    made_at: datetime
    kind: str = PLANNER
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptView:
    id: str
    kind: str
    title: str
    vault_id: str
    made_at: datetime
    kept_at: datetime
    kept_by: str
    # In short; of a plan how many machines, for which interval, and the bandwidth it needs.
    facts: dict[str, Any]


def keep_report(plane: Plane, actor: Actor, new: NewReport) -> KeptView:
    now = plane.clock.now()
    with plane.database.write() as db:
        vault = live_vault(db, new.vault)
        require(db, actor, Right.RUN_JOBS, vault.id)
        same = {"kind": new.kind, "vault_id": vault.id, "title": new.title}
        before = made_before(plane, db, actor, table=KeptReport, same=same, at="kept_at")
        if before is not None:
            return _view(before)
        row = KeptReport(
            **same,
            id=id_for(actor),
            machine_id=None,
            subject="",
            made_at=in_utc(new.made_at),
            kept_at=now,
            kept_by=actor.name,
            facts=new.facts,
            page=new.page,
        )
        db.add(row)
        db.flush()
        rows.keep_newest(db, vault.id, new.kind, most=_MOST)
        audit.note(db, plane, actor, act="report-keep", vault_id=vault.id, object=row.id)
        return _view(row)


def list_kept(
    plane: Plane, actor: Actor, window: Window, *, vault: str | None = None
) -> Page[KeptView]:
    """The newest first, without their pages."""
    with plane.database.read() as db:
        found = rows.newest_first(
            db,
            vaults=vaults_asked(db, actor, vault),
            before=window.dated(),
            limit=window.one_more,
        )
    return make_page(found, window, key=lambda row: [row.kept_at.isoformat(), row.id], view=_view)


def kept_page(plane: Plane, actor: Actor, report_id: str) -> str:
    """As it was made, in the language it was made in."""
    with plane.database.read() as db:
        return readable(db, actor, KeptReport, report_id, _("report")).page


def drop_report(plane: Plane, actor: Actor, report_id: str) -> None:
    with plane.database.write() as db:
        row = readable(db, actor, KeptReport, report_id, _("report"))
        require(db, actor, Right.CHANGE_POLICIES, row.vault_id)
        db.delete(row)
        audit.note(db, plane, actor, act="report-drop", vault_id=row.vault_id, object=row.id)


def _view(row: KeptReport) -> KeptView:
    return KeptView(
        id=row.id,
        kind=row.kind,
        title=row.title,
        vault_id=row.vault_id,
        made_at=row.made_at,
        kept_at=row.kept_at,
        kept_by=row.kept_by,
        facts=row.facts,
    )
