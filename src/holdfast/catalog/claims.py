"""What only one of several servers may do at a time: who has claimed it, and until when."""

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Setting

_PREFIX = "claim:"


def claim(db: Session, what: str, *, now: datetime, until: datetime) -> bool:
    """Whether nobody else has it; whoever dies with it has it until its time is over."""
    row = _row(db, what)
    taken = row.value.get("until")
    if taken is not None and datetime.fromisoformat(taken) > now:
        return False
    row.value = {"until": until.isoformat()}
    return True


def prolong(db: Session, what: str, *, until: datetime) -> None:
    _row(db, what).value = {"until": until.isoformat()}


def give_up(db: Session, what: str) -> None:
    _row(db, what).value = {}


def _row(db: Session, what: str) -> Setting:
    dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    key = _PREFIX + what
    db.execute(dialect.insert(Setting).values(key=key, value={}).on_conflict_do_nothing())
    return db.get_one(Setting, key, with_for_update=True, populate_existing=True)
