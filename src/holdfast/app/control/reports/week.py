"""What a weekly summary is made of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from holdfast.app.control.reports.capacity import Capacity
from holdfast.app.control.reports.causes import CauseView


class Verdict(StrEnum):
    EMPTY = "empty"  # there is nothing that could be lost, as far as it is known here
    GOOD = "good"
    ATTENTION = "attention"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingView:
    """A machine or a virtual machine that would not come back as it should."""

    # "machine" or "vm"; of a machine its id, of a virtual machine its UUID.
    kind: str
    id: str
    name: str
    vault: str
    # "at-risk" or "unprotected", and why, the gravest first; of one that is only unproven nothing.
    safety: str
    reasons: list[str]
    # When it was last shown to come back, and by what; none: never.
    proven_at: datetime | None
    proven_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyWeek:
    protected: int
    at_risk: int
    unprotected: int
    # The first of those that are at risk or unprotected.
    things: list[ThingView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofWeek:
    """Of what is protected: what was shown to come back lately, and what was not."""

    # How long a proof counts.
    days: int
    proven: int
    unproven: int
    # The first of those that are not; what was never shown comes first.
    things: list[ThingView]
    # Of this week.
    restores: int
    drills: int
    read_checks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemLine:
    """What is wrong now, with all that has it under it."""

    sentence: str
    remedy: str
    severity: str
    since: datetime
    affected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkWeek:
    """How jobs of a kind ended in this week, and in the one before."""

    kind: str
    done: int
    warnings: int
    failed: int
    lost: int
    cancelled: int
    skipped: int
    good_before: int
    bad_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationWeek:
    id: str
    vm: str
    name: str
    machine: str
    site: str
    # How often it is to have a new point, in seconds.
    every: int | None
    # The most it was behind in this week, and how much of the time it was well; none: not seen.
    worst_rpo_seconds: float | None
    well_share: float | None
    # As it is now.
    health: str
    rpo_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillWeek:
    vm: str
    name: str
    machine: str
    # "passed", "failed" and so on, or "never"
    verdict: str
    at: datetime | None
    passed_at: datetime | None
    due_at: datetime | None
    is_overdue: bool
    seconds_to_up: float | None
    rpo_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grower:
    """A machine and what its points of this week added."""

    machine_id: str
    machine: str
    bytes_added: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActLine:
    """What somebody did, or nearly, that could cost data."""

    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """The seven days that end at `end`, and how things stand then."""

    made_at: datetime
    begin: datetime
    end: datetime
    # None: of all vaults that the caller may look into.
    vault_id: str | None
    vault: str | None
    verdict: str
    safety: SafetyWeek
    proofs: ProofWeek
    # The first of them, and how many there are.
    problems: list[ProblemLine]
    problem_count: int
    work: list[WorkWeek]
    points: int
    points_before: int
    # What failed in this week, by what was wrong; what is not over comes first.
    causes: list[CauseView]
    # Those that fared worst, and how many there are.
    replications: list[ReplicationWeek]
    replication_count: int
    drills: list[DrillWeek]
    growers: list[Grower]
    acts: list[ActLine]
    capacity: Capacity
