"""Local times as moments: what clocks show, and what a clock change leaves out or repeats."""

import difflib
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class ZoneUnknown(HoldfastError):
    code = "zone-unknown"
    sentence = N_("There is no time zone '{zone}'")
    remedy = N_("Write it as in Europe/Berlin, Asia/Seoul or UTC; perhaps {close}.")
    exit_status = Exit.USAGE


def read_zone(name: str) -> ZoneInfo:
    """A zone by its IANA name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as err:
        near = difflib.get_close_matches(name, sorted(available_timezones()), n=3)
        raise ZoneUnknown(zone=name, close=", ".join(near) or "UTC") from err


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
