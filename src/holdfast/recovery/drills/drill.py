"""A drill: a test failover that is repeated, and held against what was promised. Pure."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from holdfast.fleet.local_time import read_zone
from holdfast.fleet.schedule import Due, Timing, due, next_due
from holdfast.fleet.schedule_text import parse_schedule
from holdfast.recovery.trial import Trial, TrialState, TrialWish

VERSION = 1


class Objective(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Seconds; None: nothing was promised."""

    rpo: float | None = None
    rto: float | None = None


class Drill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    vm: str
    name: str
    wish: TrialWish = TrialWish()
    objective: Objective = Objective()
    # As people type it; empty: only when somebody says so.
    schedule: str = ""
    zone: str = "UTC"
    who: str = ""
    set_at: datetime
    # The moment of the schedule that was run for last.
    last: datetime | None = None

    @property
    def timing(self) -> Timing:
        return Timing(schedule=parse_schedule(self.schedule), zone=self.place_of_clocks)

    @property
    def place_of_clocks(self) -> ZoneInfo:
        return read_zone(self.zone)


class DrillVerdict(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    # All was well, and it took longer or would have lost more than was promised.
    OBJECTIVE_MISSED = "objective-missed"
    FAILED = "failed"
    # It did well, and something of it is still there.
    NOT_CLEANED = "not-cleaned"


class DrillRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One drill as it was; the report is made of it and of those before it."""

    version: int = VERSION
    trial: Trial
    objective: Objective = Objective()
    # This host's name.
    host: str = ""
    is_scheduled: bool = False

    @property
    def verdict(self) -> DrillVerdict:
        trial = self.trial
        if not trial.is_over:
            return DrillVerdict.RUNNING
        if trial.state is TrialState.FAILURE:
            return DrillVerdict.FAILED
        if not trial.counts:
            return DrillVerdict.NOT_CLEANED
        return DrillVerdict.OBJECTIVE_MISSED if self.missed else DrillVerdict.PASSED

    @property
    def missed(self) -> tuple[str, ...]:
        """Which objectives were: rpo, rto."""
        seen = {"rpo": self.trial.rpo_seconds, "rto": self.trial.seconds_to_up}
        wanted = {"rpo": self.objective.rpo, "rto": self.objective.rto}
        return tuple(name for name in wanted if _is_more(seen[name], wanted[name]))


def due_drill(drill: Drill, now: datetime) -> Due | None:
    """What is to be run now; what was missed while the site was away is run once."""
    if not drill.schedule:
        return None
    return due(drill.timing, drill.last or drill.set_at, now, seed=drill.vm)


def next_drill(drill: Drill, now: datetime) -> Due | None:
    return next_due(drill.timing, now, seed=drill.vm) if drill.schedule else None


def _is_more(seen: float | None, wanted: float | None) -> bool:
    return wanted is not None and seen is not None and seen > wanted
