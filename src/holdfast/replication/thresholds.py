"""Above what the health of a replication is no longer normal; all can be set for each machine."""

import msgspec

from holdfast.base.units import MIB

# An instant that is older than this many intervals never goes without a warning.
MOST_INTERVALS = 2


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Times are seconds, shares of 1."""

    # Of the cycles in the window.
    missed_warn: float = 0.20
    # Without a cycle that came through.
    success_warn: int = 3600
    # Without any new point at the site.
    point_critical: int = 3600
    # How far behind a failover would be now.
    rpo_warn: int = 30 * 60
    rpo_critical: int = 45 * 60
    # What the machine's writing and the link allow, whatever the interval is.
    achievable_warn: int = 30 * 60
    achievable_critical: int = 45 * 60
    # Application-consistent points may come later than asked for by this factor.
    app_late: float = 2.0
    # While something waits to be sent: 4 MB each 3 seconds.
    slow_bytes_per_second: float = 4 * MIB / 3
    # Churn as a share of what the link carries.
    churn_warn: float = 0.80
    churn_critical: float = 1.0
    # Between the clocks of the two machines.
    skew_warn: int = 60
    # What judges has not judged for so long: nobody is at work.
    silent_critical: int = 60

    def __post_init__(self) -> None:
        _ascending(self.rpo_warn, self.rpo_critical)
        _ascending(self.achievable_warn, self.achievable_critical)
        _ascending(self.churn_warn, self.churn_critical)


def _ascending(warn: float, critical: float) -> None:
    if not 0 < warn <= critical:
        raise ValueError("a warning comes before what is critical, and above 0")
