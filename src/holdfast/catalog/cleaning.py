"""What the server's state need not remember for ever."""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, or_, select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import (
    Alert,
    Command,
    Job,
    JobLine,
    Lease,
    Pin,
    ReadGrant,
    Replayed,
    Table,
    Token,
)

_OPEN = ("waiting", "running")


def forget_answers(db: Session, before: datetime) -> int:
    return _forget(db, Replayed, Replayed.created_at < before)


def forget_tokens(db: Session, before: datetime) -> int:
    """Those that have been no good since then."""
    return _forget(db, Token, or_(Token.expires_at < before, Token.revoked_at < before))


def forget_alerts(db: Session, before: datetime) -> int:
    """Those that were closed before then."""
    return _forget(db, Alert, Alert.closed_at < before)


def forget_pins(db: Session, before: datetime) -> int:
    return _forget(db, Pin, Pin.expires_at < before)


def forget_leases(db: Session, before: datetime) -> int:
    return _forget(db, Lease, Lease.expires_at < before)


def forget_read_grants(db: Session, before: datetime) -> int:
    return _forget(db, ReadGrant, ReadGrant.expires_at < before)


def forget_commands(db: Session, before: datetime) -> int:
    is_old = or_(Command.taken_at < before, Command.expires_at < before)
    return _forget(db, Command, is_old | Command.job_id.in_(_over_before(before)))


def forget_lines(db: Session, before: datetime) -> int:
    return _forget(db, JobLine, JobLine.job_id.in_(_over_before(before)))


def forget_jobs(db: Session, before: datetime) -> int:
    return _forget(db, Job, Job.id.in_(_over_before(before)))


def _over_before(moment: datetime) -> Select[str]:
    return select(Job.id).where(Job.state.not_in(_OPEN), Job.created_at < moment)


def _forget(db: Session, table: type[Table], condition: ColumnElement[bool]) -> int:
    done = db.connection().execute(delete(table).where(condition))
    return done.rowcount
