"""Facts about recovery, as our own probe writes them: a JSON object a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from holdfast.doctor.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery(Fact):
    """A machine of which this host has a record: where it may run, and what is done with it."""

    vm: str
    uuid: str = ""
    # As `holdfast failover status --json` has it.
    stage: str = ""
    epoch: int = 0
    # Of what happened last, since when it is as it is.
    since: datetime | None = None
    # It was started here; it cannot be started here.
    is_here: bool = False
    is_fenced: bool = False
    # Both hosts run it.
    is_split: bool = False
    # What is under way, and whether a process is at it.
    act: str = ""
    act_begun_at: datetime | None = None
    is_at_work: bool = False
    # The step that failed last, the code of its error, and what it said.
    step: str = ""
    error: str = ""
    said: str = ""
    # Since the other host spoke last; None: it never has.
    heard_age_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryLook(Fact):
    """What would be in the way of the act that comes next for a machine, looked at just now.

    One for each thing in the way, and one without an error where there is nothing.
    """

    vm: str
    uuid: str = ""
    # As the command of the act is called; empty where it could not be looked at to the end.
    act: str = ""
    error: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryTrial(Fact):
    """A test failover of which something is left."""

    vm: str
    name: str = ""
    begun_at: datetime | None = None
    # When it is cleaned up by itself.
    ends_at: datetime | None = None
    is_at_work: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryDrill(Fact):
    """The drill of a machine: when it was last, and when it was to be."""

    vm: str
    last_at: datetime | None = None
    # passed, failed, not-cleaned; empty: never.
    verdict: str = ""
    said: str = ""
    due_at: datetime | None = None


RECOVERY_KINDS: Mapping[str, Mapping[str, type[Fact]]] = {
    "own.recovery": {
        "recovery": Recovery,
        "recovery-trial": RecoveryTrial,
        "recovery-drill": RecoveryDrill,
    },
    "own.recovery.looks": {"recovery-look": RecoveryLook},
}
