"""What a change log says of itself: whose changes, from which generation to which.

A log is either a whole step, after which the replica is the machine at one instant, or a slice of
a walk over all of it. Slices are read at different instants, all after one checkpoint was made;
the step from that checkpoint on makes them one instant.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from holdfast.machines.points import Consistency, Downgrade, Rung

VERSION = 1


class Kind(StrEnum):
    STEP = "step"
    SLICE = "slice"


class LoggedDisk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One disk; `size` is what the guest saw at that instant, `format` what it lay in."""

    target: str
    size: int
    format: str = "raw"
    # FULL: the log is relative to nothing, what it does not name is zero, whatever the replica has
    # of this disk. Every other: what it does not name is as it was in `since`; where the disk was
    # smaller then, what it has grown by is zero unless named.
    rung: Rung = Rung.BITMAP
    # The code of machines.tracking.Why.
    why: str = ""


class LogHead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` is the generation a replica must have, empty for none at all."""

    version: int = VERSION
    kind: Kind
    vm: str
    name: str
    since: str = ""
    until: str
    # Of a slice: its number in the walk; 0 begins the walk anew, on the replica's newest point or,
    # where `since` is empty, on nothing.
    slice: int = 0
    taken_at: datetime
    consistency: Consistency = Consistency.CRASH
    downgrades: tuple[Downgrade, ...] = ()
    disks: tuple[LoggedDisk, ...]
    # Machines taken at one instant have the same; empty: taken by itself.
    group: str = ""
    # Disks of the machine that are not replicated, with the reason.
    left_out: dict[str, str] = {}

    def disk(self, target: str) -> LoggedDisk | None:
        return next((disk for disk in self.disks if disk.target == target), None)
