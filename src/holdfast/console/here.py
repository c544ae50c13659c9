"""Where the server stands: the time zone its clocks show, by its name."""

from holdfast.app.config import told_zone
from holdfast.app.local_zone import local_zone


def zone_name() -> str:
    """Days are days there, as all times on the pages are."""
    return local_zone(told_zone())
