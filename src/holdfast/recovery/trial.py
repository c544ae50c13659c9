"""A test failover: a machine started from a point beside the replication that goes on.

Planned, running, success or failure with a message; and it counts only once nothing of it is left.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from holdfast.machines.points import Consistency
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.checks.seen import CheckSeen
from holdfast.recovery.checks.wishes import CheckWish
from holdfast.recovery.record import Promoted

VERSION = 1
LATEST = "latest"


class TrialState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"


class TrialWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a machine is tested; `point` as a person says it: see choosing of points."""

    point: str = LATEST
    checks: tuple[CheckWish, ...] = ()
    # Old network to a network of this host without a way out; without any, links are down.
    networks: dict[str, str] = {}
    # Addresses it is to have there, before those that are set for tests on this host.
    addresses: dict[str, AddressRule] = {}
    # Seconds for all checks together, the start of its system included.
    within: float = 600.0
    # Seconds it stays when all is looked at; None: not at all.
    keep: float | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What took so long, in seconds."""

    name: str
    seconds: float


class Trial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    id: str
    vm: str
    name: str
    # The machine that is started, which is another one.
    trial_name: str
    who: str
    begun_at: datetime
    wish: TrialWish
    state: TrialState = TrialState.PLANNED
    message: str = ""
    # The code of what it failed with, where that was no check.
    error: str = ""
    generation: str = ""
    taken_at: datetime | None = None
    consistency: Consistency | None = None
    # The newest point the site had when it began: what a failover would have lost.
    newest_at: datetime | None = None
    promoted: Promoted | None = None
    parts: tuple[Part, ...] = ()
    checks: tuple[CheckSeen, ...] = ()
    # Why there is no picture of its screen.
    picture_reason: str = ""
    # From the command to its first instruction, and until all checks had passed.
    seconds_to_running: float | None = None
    seconds_to_up: float | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    cleaned_at: datetime | None = None
    # What kept it from being cleaned, the last time.
    left: str = ""
    # What the person had to say who ended it.
    note: str = ""
    is_drill: bool = False

    @property
    def counts(self) -> bool:
        return self.state is TrialState.SUCCESS and self.cleaned_at is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing is looked at any more; it may still be there."""
        return self.state in (TrialState.SUCCESS, TrialState.FAILURE)

    @property
    def rpo_seconds(self) -> float | None:
        """What would have been lost had the machine been given up when the test began."""
        if self.newest_at is None:
            return None
        return max(0.0, (self.begun_at - self.newest_at).total_seconds())
