"""What an agent tells its server of the recoveries on its host.

Records travel as `record.json` holds them, so that a server of another version keeps what it does
not know. Each of the two hosts of a machine tells its own; the greater epoch is right.

    PUT  /agent/recovery         RecoveryTold: all there are on this host
    GET  /agent/drill-runs       DrillRunsKnown: those the server has of this host
    PUT  /agent/drill-runs       DrillRunTold: one it does not have, or not as it is now
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MOST_RECORDS = 2_000
MOST_PLANS = 200
MOST_SCRIPTS = 500
LONGEST_PLAN = 200_000
# Of each machine; a host keeps more.
MOST_DRILL_RUNS = 50
LONGEST_RUN, LONGEST_PICTURE = 1_000_000, 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryReport:
    """One machine of a host, as its record has it; the oldest events are left out."""

    # The UUID of the virtual machine.
    vm: str
    record: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTold:
    """A recovery plan that lies on the host, as it is written there."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTold:
    """A machine that was started for a test, and is not cleaned up."""

    # The UUID of the machine it was made of, and the name under which the test runs.
    vm: str
    name: str
    began_at: datetime
    # It is cleaned up then by itself; none: by a person.
    ends_at: datetime | None = None
    # The code of what kept it from being cleaned up.
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillTold:
    """The last drill of a machine or of a plan, and when the next one is to be."""

    name: str
    # The UUID of the machine; agents of the version before do not tell it.
    vm: str = ""
    # As people type it; empty: only when somebody says so.
    schedule: str = ""
    at: datetime | None = None
    is_passed: bool = False
    due_at: datetime | None = None
    # In short: what was started, how long it took.
    facts: dict[str, Any] = field(default_factory=dict)
    # What is set, as its file has it; agents of the version before do not tell it.
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryTold:
    """All that is known on a host; what is not named is gone."""

    at: datetime
    records: list[RecoveryReport]
    # How machines that come here are connected, by the networks of where they were.
    networks: dict[str, Any] = field(default_factory=dict)
    plans: list[PlanTold] = field(default_factory=list)
    trials: list[TrialTold] = field(default_factory=list)
    drills: list[DrillTold] = field(default_factory=list)
    # By name, those that its administrator lets plans run.
    scripts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRunsKnown:
    """Digests of runs, by their ids, as they were told last."""

    known: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRunTold:
    """A drill as it was, as its file at the host has it, and what its screen showed."""

    digest: str
    run: dict[str, Any]
    # A PNG, in base64; empty: there is none.
    picture: str = ""
