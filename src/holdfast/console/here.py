"""Where the server stands: the time zone its clocks show, by its name."""

import os

from holdfast.fleet.local_time import ZoneUnknown, ZoneUnreadable, read_zone

_SAME = ("Etc/UTC", "Etc/GMT")
_LOCALTIME, _ZONES = "/etc/localtime", "/zoneinfo/"


def zone_name() -> str:
    """Days are days there, as all times on the pages are; UTC where it cannot be told."""
    try:
        found = read_zone(os.path.realpath(_LOCALTIME).rpartition(_ZONES)[2]).key
        return found.removeprefix("Etc/") if found in _SAME else found
    except (ZoneUnknown, ZoneUnreadable, ValueError):
        return "UTC"
