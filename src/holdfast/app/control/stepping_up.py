"""Dangerous acts: who asks proves anew that it is they, and, where wanted, a second person agrees.

Every destructive act calls `require_step_up` in its transaction, behind the check of the right.
"""

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.access import require_whole
from holdfast.app.control.identifying import secret_hash
from holdfast.app.control.passwords import require_password
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.step_errors import ApprovalNeeded, ApprovalNotGood, PinNeeded, PinWrong
from holdfast.base.texts import _
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Approval, Pin, Vault

PIN_LIFE = timedelta(minutes=5)
PIN_ATTEMPTS = 5
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPin:
    pin: str
    expires_at: datetime


def make_pin(plane: Plane, actor: Actor, *, password: str) -> NewPin:
    """A PIN for the minutes to come, in place of any earlier one."""
    require_whole(actor)
    require_password(plane, actor, password)
    now = plane.clock.now()
    pin = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    made = NewPin(pin=pin, expires_at=now + PIN_LIFE)
    with plane.database.write() as db:
        row = db.get(Pin, actor.id) or Pin(account_id=actor.id)
        row.secret_hash, row.expires_at = _pin_hash(actor.id, pin), made.expires_at
        row.attempts = 0
        db.add(row)
        audit.note(db, plane, actor, act="pin-made")
    return made


def count_attempt(plane: Plane, account_id: str, pin: str) -> None:
    """Called for every PIN that arrives, in a transaction of its own, so that none is undone."""
    with plane.database.write() as db:
        row = db.get(Pin, account_id, with_for_update=True)
        if row is not None and not _matches(row, account_id, pin):
            row.attempts += 1


def require_step_up(
    plane: Plane,
    db: Session,
    actor: Actor,
    act: str,
    vault: Vault | None,
    request: dict[str, Any],
) -> None:
    """Raise unless PIN and approval are there; an approval is good for exactly this request, once.

    A lab vault needs no PIN. The server's own acts were asked for by a person before.
    """
    if actor.kind == "server":
        return
    if vault is None or not vault.is_lab:
        _require_pin(plane, db, actor, act)
    if vault is not None and vault.four_eyes:
        _use_approval(plane, db, actor, act=act, vault=vault, request=request)


def _require_pin(plane: Plane, db: Session, actor: Actor, act: str) -> None:
    if actor.pin is None:
        raise PinNeeded(act=act)
    row = db.get(Pin, actor.id)
    if row is None or row.expires_at <= plane.clock.now() or row.attempts >= PIN_ATTEMPTS:
        raise PinWrong(act=act)
    if not _matches(row, actor.id, actor.pin):
        raise PinWrong(act=act)


def _matches(row: Pin, account_id: str, pin: str) -> bool:
    return hmac.compare_digest(row.secret_hash, _pin_hash(account_id, pin))


def _pin_hash(account_id: str, pin: str) -> str:
    # So few digits can be tried out by whoever reads the database; within five minutes, and who
    # may write there needs no PIN.
    return secret_hash(f"{account_id}:{pin}")


def _use_approval(
    plane: Plane, db: Session, actor: Actor, *, act: str, vault: Vault, request: dict[str, Any]
) -> None:
    if actor.approval is None:
        raise ApprovalNeeded(act=act, vault=vault.id, request=canonical(request))
    row = db.get(Approval, actor.approval, with_for_update=True)
    now = plane.clock.now()
    reason = _flaw(row, actor, now) or _mismatch(row, act, vault, request)
    if row is None or reason:
        raise ApprovalNotGood(id=actor.approval, reason=reason, act=act)
    row.used_at = now


def _flaw(row: Approval | None, actor: Actor, now: datetime) -> str | None:
    if row is None:
        return _("it is unknown")
    if row.asked_by != actor.id:
        return _("somebody else asked for it")
    if row.used_at is not None:
        return _("it was used already")
    if row.decision is None:
        return _("nobody has decided it yet")
    if row.decision != "approved":
        return _("it was refused")
    return _("it has expired") if row.expires_at <= now else None


def _mismatch(row: Approval | None, act: str, vault: Vault, request: dict[str, Any]) -> str | None:
    if row is None:
        return None
    same = (row.act, row.vault_id, canonical(row.request)) == (act, vault.id, canonical(request))
    return None if same else _("it is for another act or another request")


def canonical(request: dict[str, Any]) -> str:
    """The one text of a request, whatever the order of its keys."""
    return json.dumps(request, sort_keys=True, separators=(",", ":"), default=str)
