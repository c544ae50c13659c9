"""What a source tells its site every few seconds, and what the site wants of it in return.

The site never connects to the source; so an order waits until the source says how it is, and the
source says by which epoch it lives. Each may be said again: both sides look at the world first.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec


class OrderKind(StrEnum):
    NOTHING = "nothing"
    # A cycle now, shipped; the generation is in the tidings.
    CATCH_UP = "catch-up"
    # Shut the guest down, ship what it has written last, and bar it from being started.
    HAND_OVER = "hand-over"
    # The same without a shut-down: see recovery of a running machine.
    HAND_OVER_LIVE = "hand-over-live"
    # It runs elsewhere, by a greater epoch: bar it, and replicate no more.
    FENCE = "fence"
    # It is this host's again, by a greater epoch: take the bar away and go on.
    RELEASE = "release"


class SiteOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: OrderKind = OrderKind.NOTHING
    # Of the act it belongs to; another one is another order.
    act: str = ""
    epoch: int = 0
    # The id of the host that may run the machine; empty: the source, as ever.
    runs_at: str = ""
    # Seconds for a guest to shut down; afterwards it is an error, or by force.
    patience: float = 300.0
    is_forced: bool = False
    # What else the kind needs.
    options: dict[str, str] = {}
    # By the site's clock, when it answered.
    now: datetime | None = None


class SourceTidings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    epoch: int = 0
    # Whether the machine runs there; None: nobody could look.
    is_active: bool | None = None
    is_fenced: bool = False
    # What it is at, or has done, of the act it was ordered last.
    act: str = ""
    doing: OrderKind = OrderKind.NOTHING
    is_done: bool = False
    # The newest generation the site has acknowledged.
    generation: str = ""
    # Why it cannot: the code, sentence and advice of an error.
    error: str = ""
    said: str = ""
    advice: str = ""
    facts: dict[str, str] = {}
    # By the source's clock, when it said so; points are timed by that.
    now: datetime | None = None


class Desk(Protocol):
    """At the site: hear how a source is, say what is wanted of it."""

    def __call__(self, vm: str, tidings: SourceTidings, machine: str = "", /) -> SiteOrder:
        """`machine` is the id the source comes by; empty: the one its replica is from."""


def no_desk(_vm: str, _tidings: SourceTidings, _machine: str = "") -> SiteOrder:
    """Nothing is ever wanted."""
    return SiteOrder()
