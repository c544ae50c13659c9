"""How often in a row work was begun and never ended: what kills its server is told by that."""

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Setting

_PREFIX = "begun:"


def begin(db: Session, what: str) -> int:
    """Once more; how many beginnings without an end there were before."""
    dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    row = {"key": _PREFIX + what, "value": {"count": 0}}
    db.execute(dialect.insert(Setting).values(row).on_conflict_do_nothing())
    known = db.get_one(Setting, _PREFIX + what, with_for_update=True, populate_existing=True)
    before = int(known.value["count"])
    known.value = {"count": before + 1}
    return before


def end(db: Session, what: str) -> None:
    """It came to an end, good or bad; whoever did it lives."""
    db.execute(delete(Setting).where(Setting.key == _PREFIX + what))
