"""The time zone of this machine, by its name."""

import contextlib
import os
from collections.abc import Iterator

from holdfast.fleet.local_time import ZoneUnknown, ZoneUnreadable, read_zone

_LOCALTIME, _TIMEZONE = "/etc/localtime", "/etc/timezone"
_ZONES = "/zoneinfo/"
_MOST = 200
# What systems call it that have no zone of their own.
_UTC = ("Etc/UTC", "Etc/UCT", "Etc/GMT")


def local_zone(said: str) -> str:
    """`said`: what the environment has as TZ. UTC where it cannot be told."""
    for name in filter(None, _candidates(said)):
        with contextlib.suppress(ZoneUnknown, ZoneUnreadable):
            found = read_zone(name).key
            return "UTC" if found in _UTC else found
    return "UTC"


def _candidates(said: str) -> Iterator[str]:
    yield said.removeprefix(":")
    with contextlib.suppress(OSError):
        yield os.path.realpath(_LOCALTIME).rpartition(_ZONES)[2]
    with contextlib.suppress(OSError, UnicodeDecodeError), open(_TIMEZONE, encoding="ascii") as at:
        yield at.read(_MOST).strip()
