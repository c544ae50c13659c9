"""Local times as moments: what clocks show, and what a clock change leaves out or repeats."""

import difflib
import errno
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_

_SHORTAGES = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO))


class ZoneUnknown(HoldfastError):
    code = "zone-unknown"
    sentence = N_("There is no time zone '{zone}'")
    remedy = N_("Write it as in Europe/Berlin, Asia/Seoul or UTC; perhaps {close}.")
    exit_status = Exit.USAGE


class ZoneUnreadable(HoldfastError):
    code = "zone-unreadable"
    sentence = N_("The time zone '{zone}' cannot be read: {reason}")
    remedy = N_("Try again; if it stays, see that the system's package tzdata is whole.")


def in_utc(moment: datetime) -> datetime:
    """Whoever names no zone means UTC; the years 1 and 9999 have moments that no clock there shows."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def read_zone(name: str) -> ZoneInfo:
    """A zone by its IANA name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as err:
        raise _no_zone(name, err) from err


def _no_zone(name: str, err: Exception) -> HoldfastError:
    """That there is none is said only where it is certain: a host short of files has none to read."""
    known = available_timezones()
    if name in known or not known or getattr(err, "errno", None) in _SHORTAGES:
        return ZoneUnreadable(zone=name, reason=f"{type(err).__name__}: {err}")
    near = difflib.get_close_matches(name, sorted(known), n=3)
    return ZoneUnknown(zone=name, close=", ".join(near) or "UTC")


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When clocks show this time of this day, in UTC.

    A time that a clock change skips is the first moment after the gap; of a time that clocks show
    twice it is the first. So a later local time is never an earlier moment.
    """
    local = datetime.combine(day, at)
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    return _end_of_gap(local, zone)


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    # Read with the offset before the change a skipped time lies after it, and the other way round.
    late = int(local.replace(tzinfo=zone, fold=0).timestamp())
    early = int(local.replace(tzinfo=zone, fold=1).timestamp())
    before = _at(early).astimezone(zone).utcoffset()
    while late - early > 1:
        middle = (late + early) // 2
        if _at(middle).astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return _at(late)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
