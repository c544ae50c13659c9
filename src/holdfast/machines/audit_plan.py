"""How much of what is called unchanged is looked at today, so that a month sees all of it.

The clock counts, not the backups: with one an hour each reads a 720th of the disk, with one a day
a 30th. One alone reads no more than a quarter, so with less than one a week it takes longer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.machines.points import AuditMark

PASS = timedelta(days=30)
_MOST_SHARE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWish:
    """`whole`: all of it now, whenever it was looked at."""

    now: datetime
    whole: bool = False


def blocks_due(mark: AuditMark | None, count: int, wish: AuditWish) -> range:
    """Numbers of blocks, of `count` the disk has."""
    if wish.whole:
        return range(count)
    if mark is None:
        return range(0)
    begin = min(mark.blocks, count)
    share = max(0.0, (wish.now - mark.since) / PASS)
    wanted = min(count, int(count * share))
    most = -(-count // _MOST_SHARE)
    return range(begin, max(begin, min(wanted, begin + most)))


def mark_after(mark: AuditMark | None, done: range, count: int, wish: AuditWish) -> AuditMark:
    """Where the next one goes on; a pass that has come to the end is followed by another."""
    if mark is None or wish.whole or done.stop >= count or mark.since > wish.now:
        return begun(wish)
    return AuditMark(since=mark.since, blocks=done.stop)


def begun(wish: AuditWish) -> AuditMark:
    """A pass that begins now: all of the disk has just been looked at, or is to be."""
    return AuditMark(since=wish.now, blocks=0)
