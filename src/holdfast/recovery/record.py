"""What a host knows of one machine's recovery: where it may run, what is being done, what was done.

Each of the two hosts keeps a record of its own. The greater `epoch` is right: it counts the times
the machine was given to another host, and is durable before anything is started.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from holdfast.replication.settings import SiteAddress

VERSION = 1
MOST_EVENTS = 200


class Stage(StrEnum):
    """Where on its way the machine is, as this host sees it."""

    PROTECTED = "protected"
    FAILING_OVER = "failing-over"
    # It runs here; another point may be chosen, or all of it undone.
    FAILED_OVER = "failed-over"
    UNDOING = "undoing"
    COMMITTED = "committed"
    REPROTECTING = "reprotecting"
    PROTECTED_IN_REVERSE = "protected-in-reverse"
    FAILING_BACK = "failing-back"
    # There is no way back any more, as somebody wished.
    MIGRATED = "migrated"


# It follows where it was at home, and can come back there; or is about to.
ON_ITS_WAY_BACK = frozenset({Stage.PROTECTED_IN_REVERSE, Stage.FAILING_BACK})


class ActKind(StrEnum):
    TEST = "test"
    PLANNED = "planned"
    PLANNED_LIVE = "planned-live"
    UNPLANNED = "unplanned"
    CHANGE_POINT = "change-point"
    UNDO = "undo"
    COMMIT = "commit"
    REPROTECT = "reprotect"
    FAILBACK = "failback"
    FAILBACK_LIVE = "failback-live"
    CLEAN_UP = "clean-up"


class StepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class StepNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was seen of a step; whether it is done is asked of the world, never of this."""

    name: str
    state: StepState
    began_at: datetime
    ended_at: datetime | None = None
    said: str = ""
    # The code of what it failed with.
    error: str = ""


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is being done; it stays until it is done, given up or undone."""

    id: str
    kind: ActKind
    who: str
    begun_at: datetime
    # As the command was told, for the same command to go on with.
    wish: dict[str, Any] = {}
    # The point it is about, once it is chosen.
    generation: str = ""
    # The epoch it gives the machine to a host by, once that is durable.
    epoch: int = 0
    # What it took the place of: a disaster in the middle of what was planned, an undo.
    replaces: ActKind | None = None
    # Its source was ordered to shut it down, and may be in the middle of that.
    has_asked: bool = False
    # The newest generation of a source that has handed it over: nothing was written after it.
    handed_over: str = ""
    # Where the machine stood when it began.
    stage_before: Stage = Stage.PROTECTED
    steps: tuple[StepNote, ...] = ()


class PromotedDisk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`path` is the image that is written; `below` is the layer of the point it stands on."""

    target: str
    path: str
    below: str


class CardAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a network card has at this site, until its guest is started again."""

    mac: str
    # In place of these.
    old: tuple[str, ...] = ()
    new: str
    gateway: str = ""
    dns: tuple[str, ...] = ()


class Promoted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A machine that was started from a point, for good or for a test."""

    generation: str
    taken_at: datetime
    name: str
    uuid: str
    folder: str
    disks: tuple[PromotedDisk, ...]
    # The record of its changes since its first instruction.
    checkpoint: str = ""
    # The site's newest point when it was started: layers between are changes as well.
    head: str = ""
    started_at: datetime | None = None
    # Who holds the pin on its point.
    pin: str = ""
    # How the network cards were connected anew, by the old network.
    networks: dict[str, str] = {}
    # Set in the guest once it ran; nothing in its files says so.
    addresses: tuple[CardAddress, ...] = ()


class Fence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The machine's definition on this host cannot be started, whoever tries."""

    act: str
    epoch: int
    since: datetime
    # The definition before the bar.
    definition: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened, for a person who asks later."""

    what: str
    at: datetime
    who: str = ""
    why: str = ""
    figures: dict[str, float] = {}


class RecoveryRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    vm: str
    name: str
    epoch: int = 0
    # The id of the host that may run it; empty: the one that replicates it, as ever.
    runs_at: str = ""
    stage: Stage = Stage.PROTECTED
    act: Act | None = None
    promoted: Promoted | None = None
    fence: Fence | None = None
    # The other host, as a site, as far as it is known.
    peer: SiteAddress | None = None
    # It was to start with its host; since it is protected the agent sees to that.
    starts_with_host: bool | None = None
    # Where it stood here before it was last failed over to this host: an undo leads back there.
    # In reverse means that this host is its home, or that it came back here from a host beyond.
    rests: Stage = Stage.PROTECTED
    # Where it is at home, by the id its source came by, once it is followed here from a host beyond:
    # the replica has another source from then on.
    home: str = ""
    # Newest last.
    events: tuple[Event, ...] = ()

    @property
    def is_home_again(self) -> bool:
        """It was brought back to this host, and this is where it is at home."""
        return self.rests is Stage.PROTECTED_IN_REVERSE and not self.home

    @property
    def is_barred(self) -> bool:
        """A bar of before is none any more once the machine was given to this host again."""
        return self.fence is not None and self.fence.epoch >= self.epoch
