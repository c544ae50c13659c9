"""Queries about answers kept for requests that may come again."""

from sqlalchemy.exc import IntegrityError

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Replayed


def claim(db: Session, row: Replayed) -> bool:
    """Put the row there unless another request with the same key was faster."""
    try:
        with db.begin_nested():
            db.add(row)
            db.flush()
    except IntegrityError:
        return False
    return True
