"""Refused registrations in the audit log: who came with which credentials, and why not.

Anybody can ask, so nobody may fill the log: of one address, and of all together, only so many in an
hour are kept.
"""

from datetime import timedelta

from holdfast.app.control import audit
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration import Shown
from holdfast.base.errors import HoldfastError, Retry
from holdfast.catalog import audit as audit_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Credentials

ACT = "registration-refused"
WINDOW = timedelta(hours=1)
MOST_OF_ONE = 10
MOST_OF_ALL = 200
_LONGEST = 64


def note_refused(plane: Plane, shown: Shown, error: HoldfastError, *, address: str) -> None:
    """In a transaction of its own: that of the registration was undone."""
    if error.retry is not Retry.NEVER:
        # It is the server that was not ready.
        return
    with plane.database.write() as db:
        if _is_enough(plane, db, address):
            return
        row = db.get(Credentials, _short(shown.credentials_id))
        audit.note(
            db,
            plane,
            Actor(kind="machine", id="unknown", name="", address=address),
            act=ACT,
            vault_id=row.vault_id if row else None,
            object=_short(shown.machine_id or ""),
            outcome=audit.DENIED,
            detail={"code": error.code, "credentials": _short(shown.credentials_id)},
        )


def _is_enough(plane: Plane, db: Session, address: str) -> bool:
    since = plane.clock.now() - WINDOW
    of_one = audit_rows.count_since(db, ACT, since, address=address, most=MOST_OF_ONE)
    return (
        of_one >= MOST_OF_ONE
        or audit_rows.count_since(db, ACT, since, most=MOST_OF_ALL) >= MOST_OF_ALL
    )


def _short(text: str) -> str:
    """What a stranger sends is not to be longer than what it pretends to be."""
    return text[:_LONGEST]
