"""Four eyes: one person asks for a dangerous act, another one allows or refuses it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.approval_subjects import ApprovalSubject, subjects_of
from holdfast.app.control.errors import NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import done_before, id_for, made_before, note_done
from holdfast.app.control.step_errors import ApprovalDecided, ApprovalOwn
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import approvals as approval_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Account, Approval, Vault
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right

LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFacts:
    id: str
    vault_id: str | None
    vault: str
    act: str
    request: dict[str, Any]
    # What the request names by its id, as far as it is still there.
    subjects: list[ApprovalSubject]
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    # "waiting", "approved", "refused", "used", "expired"
    state: str
    decided_by: str | None
    decided_at: datetime | None


def ask_approval(
    plane: Plane, actor: Actor, vault_id: str, *, act: str, request: dict[str, Any]
) -> ApprovalFacts:
    """Ask for what an act answered with `approval-needed`: the same act, word for word."""
    now = plane.clock.now()
    with plane.database.write() as db:
        vault = any_vault(db, vault_id)
        require(db, actor, Right.READ, vault.id)
        same = {"vault_id": vault.id, "act": act, "request": request, "asked_by": actor.id}
        before = made_before(plane, db, actor, table=Approval, same=same, at="asked_at")
        if before is not None:
            return _facts(db, before, now)
        row = Approval(
            **same,
            id=id_for(actor),
            asked_at=now,
            expires_at=now + LIFE,
        )
        db.add(row)
        detail = {"approval": row.id, "request": request}
        audit.note(
            db, plane, actor, act="approval-ask", vault_id=vault.id, object=act, detail=detail
        )
        return _facts(db, row, now)


def list_approvals(
    plane: Plane, actor: Actor, window: Window, *, only_open: bool = False
) -> Page[ApprovalFacts]:
    """Those in vaults one may look into, the newest first."""
    now = plane.clock.now()
    with plane.database.read() as db:
        rows = approval_rows.newest_first(
            db,
            limit=window.one_more,
            vaults=readable_vaults(db, actor),
            open_at=now if only_open else None,
            before=window.dated(),
        )
        return make_page(
            rows,
            window,
            key=lambda row: [row.asked_at.isoformat(), row.id],
            view=lambda row: _facts(db, row, now),
        )


def show_approval(plane: Plane, actor: Actor, approval_id: str) -> ApprovalFacts:
    with plane.database.read() as db:
        row = _row(db, approval_id)
        require(db, actor, Right.READ, row.vault_id)
        return _facts(db, row, plane.clock.now(), with_points=True)


def decide_approval(
    plane: Plane, actor: Actor, approval_id: str, *, approve: bool
) -> ApprovalFacts:
    """By somebody who may decide in this vault and is not the one who asked."""
    now = plane.clock.now()
    with plane.database.write() as db:
        row = _row(db, approval_id, lock=True)
        require(db, actor, Right.DECIDE_APPROVALS, row.vault_id)
        if done_before(db, actor) is not None:
            return _facts(db, row, now)
        if row.asked_by == actor.id:
            raise ApprovalOwn(actor=actor.name, id=row.id)
        _require_open(row, now)
        row.decision = "approved" if approve else "refused"
        row.decided_by, row.decided_at = actor.id, now
        note_done(db, actor)
        audit.note(
            db,
            plane,
            actor,
            act="approval-approve" if approve else "approval-refuse",
            vault_id=row.vault_id,
            object=row.act,
            detail={"approval": row.id, "request": row.request},
        )
        return _facts(db, row, now)


def _require_open(row: Approval, now: datetime) -> None:
    if row.decision is not None:
        raise ApprovalDecided(id=row.id, reason=_("it is decided already"))
    if row.expires_at <= now:
        raise ApprovalDecided(id=row.id, reason=_("it has expired"))


def _row(db: Session, approval_id: str, *, lock: bool = False) -> Approval:
    row = db.get(Approval, approval_id, with_for_update=lock or None)
    if row is None:
        raise NotThere(what=_("approval"), name=approval_id)
    return row


def _facts(
    db: Session, row: Approval, now: datetime, *, with_points: bool = False
) -> ApprovalFacts:
    vault = db.get(Vault, row.vault_id) if row.vault_id else None
    return ApprovalFacts(
        id=row.id,
        vault_id=row.vault_id,
        vault=vault.name if vault else "",
        act=row.act,
        request=row.request,
        subjects=subjects_of(db, row.vault_id, row.request, with_points=with_points),
        asked_by=_name(db, row.asked_by),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        state=_state(row, now),
        decided_by=_name(db, row.decided_by) if row.decided_by else None,
        decided_at=row.decided_at,
    )


def _state(row: Approval, now: datetime) -> str:
    if row.used_at is not None:
        return "used"
    if row.decision == "refused":
        return "refused"
    if row.expires_at <= now:
        return "expired"
    return row.decision or "waiting"


def _name(db: Session, account_id: str) -> str:
    account = db.get(Account, account_id)
    return account.name if account else account_id
