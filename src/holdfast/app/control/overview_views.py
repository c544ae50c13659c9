"""What the overview says, as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from holdfast.app.control.problems import ProblemView


class Answer(StrEnum):
    """In one word, the worst first."""

    # There is nothing that could be lost, as far as it is known here.
    EMPTY = "empty"
    UNPROTECTED = "unprotected"
    AT_RISK = "at-risk"
    # All of it is protected, and not all of it was shown to come back within the last 90 days.
    UNPROVEN = "unproven"
    SAFE = "safe"


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyCount:
    total: int
    protected: int
    at_risk: int
    unprotected: int
    # Those protected or at risk that were shown to come back within the last 90 days, or not.
    proven: int
    unproven: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """What was last shown to come back; `about` is the machine, virtual machine or plan."""

    by: str
    at: datetime
    machine_id: str
    about: str
    # Empty: no job of its own tells of it.
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstView:
    """Who would lose most: seconds since the newest point."""

    id: str
    name: str
    at: datetime
    seconds: float
    # Of a replication: its site and health.
    site: str = ""
    health: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedView:
    asks: str
    since: datetime
    sentence: str
    objects: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """The last 24 hours; what went well is told as well."""

    well: int
    failed: int
    underway: int
    backups: int
    restores: int
    points: int
    bytes_added: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationCount:
    total: int
    normal: int
    warning: int
    critical: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    at: datetime
    answer: str
    machines: SafetyCount
    vms: SafetyCount
    # Machines that only keep replicas, or run what is replicated.
    hosts: int
    proofs: list[ProofView]
    proven_within_days: int
    worst_rpo: WorstView | None
    worst_backup: WorstView | None
    replications: ReplicationCount
    # How many there are of each severity, and the gravest and widest of them.
    problems_by_severity: dict[str, int]
    problems: list[ProblemView]
    needs: list[NeedView]
    day: DayView
    points: int
    bytes_stored: int
    vaults: int
