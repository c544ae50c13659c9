"""Whether the clocks of servers that share a database agree: each is compared with the database's."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from holdfast.base.clock import Clock
from holdfast.catalog.database import Database

# A request whose claim was not renewed for fifteen seconds is begun anew by another server.
MOST_APART = timedelta(seconds=5)


def apart(database: Database, clock: Clock) -> timedelta:
    """How far off this machine's clock is for certain; what the question itself took is no proof."""
    if database.is_sqlite:
        return timedelta(0)
    with database.read() as db:
        # Once for nothing: the first question may have to wait for its connection.
        db.execute(select(1))
        before = clock.now()
        theirs: datetime = db.execute(select(func.clock_timestamp())).scalar_one()
        after = clock.now()
    return max(before - theirs, theirs - after, timedelta(0))


def warning(database: Database, clock: Clock) -> str | None:
    """For logs and probes."""
    off = apart(database, clock)
    if off <= MOST_APART:
        return None
    return f"this server's clock and the database's are {off.total_seconds():.0f} s apart"
