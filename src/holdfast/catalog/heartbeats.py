"""What heartbeats leave behind: one statement for the beats of many machines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Certificate, Machine

# Built once: thousands of machines ask every half minute.
_END = select(func.max(Certificate.expires_at)).where(
    Certificate.machine_id == bindparam("one"), Certificate.revoked_at.is_(None)
)
_KNOWN = select(_END.scalar_subquery(), Machine.host).where(Machine.id == bindparam("one"))


def store(db: Session, beats: Sequence[dict[str, Any]]) -> None:
    """Each with `machine`, `at`, `version` and `facts`; in the order of ids, against deadlocks."""
    statement = (
        update(Machine)
        .where(Machine.id == bindparam("machine"))
        .values(
            last_seen_at=bindparam("at"),
            agent_version=bindparam("version"),
            facts=bindparam("told"),
        )
        .execution_options(synchronize_session=False)
    )
    db.connection().execute(statement, sorted(beats, key=lambda beat: str(beat["machine"])))


def known(db: Session, machine_id: str) -> tuple[datetime | None, str]:
    """When the last of its good certificates expires, and what its host called itself."""
    for end_of_all, host in db.connection().execute(_KNOWN, {"one": machine_id}):
        return end_of_all, host
    return None, ""
