"""How a machine is replicated: what a person has asked for, kept at the source."""

from datetime import datetime
from enum import StrEnum

import msgspec

from holdfast.machines.points import Consistency
from holdfast.replication.spool_guard import SpoolLimits
from holdfast.replication.thresholds import Thresholds

# The intervals a person may ask for, in seconds.
INTERVALS = (30, 300, 900)
DEFAULT_INTERVAL = 300
DEFAULT_PORT = 9443


class Seed(StrEnum):
    """What the first copy begins with."""

    NOTHING = "nothing"
    # A point of a vault, restored at the site.
    POINT = "point"
    # A disk somebody carried there.
    IMAGE = "image"


class SiteAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where replicas are taken in; `machine` is the id its certificate must have."""

    site: str
    machine: str
    host: str
    port: int = DEFAULT_PORT


class PointPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long points are kept at the site; the thinning table is in replication.thinning."""

    hours: int = 24
    most: int = 50


class Limit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bytes a second, in a window of the week as fleet.windows reads it; empty: always."""

    bytes_per_second: int
    window: str = ""


class Paused(msgspec.Struct, frozen=True, kw_only=True):
    who: str
    since: datetime


class ReplicationSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    vm: str
    name: str
    # The URI of the host it runs on; empty: this machine's own.
    hypervisor: str = ""
    to: SiteAddress
    every: int = DEFAULT_INTERVAL
    # An application-consistent point each so many seconds; 0: never.
    app_every: int = 3600
    least: Consistency = Consistency.CRASH
    points: PointPolicy = PointPolicy()
    # Greater goes first.
    priority: int = 0
    # Machines with the same group are taken at one instant.
    group: str = ""
    # Where windows overlap, the first one counts.
    limits: tuple[Limit, ...] = ()
    # Disks that cannot be replicated, as somebody has agreed to.
    left_out: tuple[str, ...] = ()
    seed: Seed = Seed.NOTHING
    # The point or the image at the site.
    seed_from: str = ""
    # When a comparison of everything may run by itself; empty: at once.
    resync_window: str = ""
    spool: SpoolLimits = SpoolLimits()
    # Of the room for scratch files; a step that needs more is ended, and the guest runs on.
    scratch: SpoolLimits = SpoolLimits()
    thresholds: Thresholds = Thresholds()
    paused: Paused | None = None
