"""What an agent tells its server of the recoveries on its host.

Records travel as `record.json` holds them, so that a server of another version keeps what it does
not know. Each of the two hosts of a machine tells its own; the greater epoch is right.

    PUT  /agent/recovery         RecoveryTold: all there are on this host
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MOST_RECORDS = 2_000
MOST_PLANS = 200
LONGEST_PLAN = 200_000


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
    at: datetime | None = None
    is_passed: bool = False
    due_at: datetime | None = None
    # In short: what was started, how long it took.
    facts: dict[str, Any] = field(default_factory=dict)


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
