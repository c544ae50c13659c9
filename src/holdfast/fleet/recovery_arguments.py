"""What orders about a machine's recovery may say: the words of `holdfast failover` and its kin."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

from holdfast.base.units import parse_duration
from holdfast.fleet.jobs import Kind
from holdfast.fleet.plan_actions import PlanActionArguments, check_action
from holdfast.fleet.schedule_text import parse_schedule
from holdfast.fleet.virtual_machines import read_vms, source_of_recovery

_LONGEST = 500
_MOST = 100
# Whoever orders a failover means it now: a host that comes back tomorrow must not begin then.
LONGEST_WAIT = timedelta(minutes=30)
# In place of an objective.
NOTHING_PROMISED = "0"
_OBJECTIVES = ("rpo", "rto")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialArguments:
    """As `holdfast failover --test` takes them; what is None is as it is without the option."""

    vm: str
    # "latest", "latest-app", "latest-tested", the beginning of a generation, or a time.
    point: str | None = None
    # "OLD=NEW" for each network that is not to be the mapped one.
    networks: list[str] | None = None
    # "OLD=NEW[,gateway=…][,dns=…]", as `--address` takes them.
    addresses: list[str] | None = None
    # As `--check` takes them.
    checks: list[str] | None = None
    # Not cleaned up before so long, as in "2h".
    keep: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFailoverArguments:
    vm: str
    live: bool = False
    # A guest that does not shut down by itself within this time, as in "5m", is switched off.
    force: bool = False
    shutdown_within: str | None = None
    # Only shut down at its host; the same order without this starts it.
    hand_over_only: bool = False
    networks: list[str] | None = None
    addresses: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplannedFailoverArguments:
    vm: str
    point: str | None = None
    # Agreed to by a person: nothing of it runs at its source any more.
    source_is_down: bool = False
    # A source that still answers hands it over first, as for a planned one; if it can in time.
    try_shut_down: bool = False
    force: bool = False
    shutdown_within: str | None = None
    networks: list[str] | None = None
    addresses: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePointArguments:
    vm: str
    point: str
    networks: list[str] | None = None
    addresses: list[str] | None = None
    # Agreed to by a person: what it has written since goes.
    discard_changes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoArguments:
    vm: str
    discard_changes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRecoveryArguments:
    """Of what needs to be told nothing but the machine."""

    vm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitArguments:
    vm: str
    # Agreed to by a person: there is no way back any more.
    complete_migration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FailBackArguments:
    vm: str
    live: bool = False
    force: bool = False
    shutdown_within: str | None = None
    hand_over_only: bool = False
    networks: list[str] | None = None
    addresses: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFailoverArguments:
    """A look at what another act would stumble over; nothing is done."""

    vm: str
    act: Literal[
        "test",
        "planned",
        "unplanned",
        "change-point",
        "undo",
        "commit",
        "reprotect",
        "failback",
    ] = "planned"
    point: str | None = None
    networks: list[str] | None = None
    addresses: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillArguments:
    """Of one machine, or of a plan the host has."""

    vm: str | None = None
    plan: str | None = None
    point: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDrillArguments:
    """As `holdfast drill schedule` takes them; what is None stays as the host has it."""

    vm: str
    # As in "monthly 1st 03:00".
    schedule: str | None = None
    # No more by itself; what was set goes with it.
    never: bool = False
    zone: str | None = None
    point: str | None = None
    # None named: the usual ones again; and no network again.
    checks: list[str] | None = None
    networks: list[str] | None = None
    # Times as in "15m"; "0" of the last two: nothing is promised.
    within: str | None = None
    rpo: str | None = None
    rto: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanArguments:
    """A plan by its name, and what is done to each of its machines."""

    plan: str
    act: Literal["test", "planned", "unplanned"] = "test"
    # Agreed to by a person, as for one machine.
    source_is_down: bool = False
    # Of a test: how long it stays, as in "2h".
    keep: str | None = None


OF_RECOVERY: Mapping[Kind, type] = MappingProxyType(
    {
        Kind.TEST_FAILOVER: TrialArguments,
        Kind.PLANNED_FAILOVER: PlannedFailoverArguments,
        Kind.UNPLANNED_FAILOVER: UnplannedFailoverArguments,
        Kind.CHANGE_POINT: ChangePointArguments,
        Kind.UNDO_FAILOVER: UndoArguments,
        Kind.CLEAN_UP_TEST: OfRecoveryArguments,
        Kind.CHECK_FAILOVER: CheckFailoverArguments,
        Kind.COMMIT: CommitArguments,
        Kind.REPROTECT: OfRecoveryArguments,
        Kind.FAIL_BACK: FailBackArguments,
        Kind.DRILL: DrillArguments,
        Kind.SCHEDULE_DRILL: ScheduleDrillArguments,
        Kind.RUN_PLAN: PlanArguments,
        Kind.PLAN_ACTION: PlanActionArguments,
        Kind.RECOVERY_PLAN: PlanArguments,
    }
)
_COMMANDS = frozenset(
    (
        *("VM", "status", "check", "points", "change-point", "undo"),
        *("cleanup", "networks", "start", "order"),
    )
)
_TIMES = ("keep", "shutdown_within", "within")
# They leave the machine that is at work alone, and go on beside each other.
_TRIALS = frozenset((Kind.TEST_FAILOVER, Kind.CLEAN_UP_TEST, Kind.DRILL))
_OF_PLAN = frozenset((Kind.RUN_PLAN, Kind.RECOVERY_PLAN))


def is_meant_now(kind: Kind) -> bool:
    """Whether a host that comes tomorrow must not begin it then; a schedule is as good then."""
    return kind in OF_RECOVERY and kind is not Kind.SCHEDULE_DRILL


def is_reserved(vm: str) -> bool:
    """Whether the command line would take it for something else than a machine."""
    return vm.startswith("-") or vm in _COMMANDS


def check_recovery(kind: Kind, read: dict[str, Any]) -> dict[str, Any]:
    """Only what was said; whether the host can do it is judged there."""
    if kind is Kind.PLAN_ACTION:
        return check_action(read)
    told = {name: value for name, value in read.items() if value is not None and value is not False}
    for name, value in told.items():
        _check_texts(name, value)
    if "vm" in told:
        read_vms([told["vm"]], may_be_all=False)
        if is_reserved(told["vm"]):
            raise ValueError(f"{told['vm']!r} is a command as well: name the machine by its UUID")
    if kind is Kind.DRILL and ("vm" in told) == ("plan" in told):
        raise ValueError("name a vm, or a plan")
    if "/" in str(told.get("plan", "")):
        raise ValueError("plans are named, not pointed at")
    for name in _TIMES:
        if name in told and not parse_duration(told[name]):
            raise ValueError(f"{told[name]!r} is no time like 2h")
    return _scheduled(told) if kind is Kind.SCHEDULE_DRILL else told


def _scheduled(told: dict[str, Any]) -> dict[str, Any]:
    """That it can be kept at all; which networks and zones there are is known to the host."""
    if ("schedule" in told) == ("never" in told):
        raise ValueError("say schedule, as in 'sun 03:00', or never")
    if "schedule" in told:
        parse_schedule(told["schedule"])
    for name in _OBJECTIVES:
        if told.get(name, NOTHING_PROMISED) != NOTHING_PROMISED:
            parse_duration(told[name])
    return told


def source_of_act(kind: Kind, arguments: Mapping[str, Any]) -> str:
    """Of one machine only one act is done at a time; tests are on their own."""
    if kind is Kind.SCHEDULE_DRILL:
        # It is only written down, whatever is tested meanwhile.
        return f"drill-schedule:{arguments.get('vm', '')}"
    if kind is Kind.CHECK_FAILOVER:
        # It looks at what goes on, and never waits for it.
        return f"check:{arguments.get('vm', '')}"
    if kind is Kind.PLAN_ACTION:
        return f"plan-action:{arguments.get('run', '')}/{arguments.get('step', '')}"
    if kind in _OF_PLAN or "vm" not in arguments:
        return f"plan:{arguments.get('plan', '')}"
    return source_of_recovery(str(arguments["vm"]), trial=kind in _TRIALS)


def _check_texts(name: str, value: object) -> None:
    texts = value if isinstance(value, list) else [str(value)]
    if len(texts) > _MOST or not all(texts):
        raise ValueError(f"{name} is not understood")
    for text in texts:
        if not text.isprintable() or len(text) > _LONGEST:
            raise ValueError(f"{name} {text[:80]!a} is not understood")
        if name in ("networks", "addresses") and "=" not in text:
            raise ValueError(f"{text[:80]!r} is not OLD=NEW")
        if name == "checks" and text.strip().startswith("host:"):
            # Else whoever may test a machine could do anything on the host.
            raise ValueError(f"{text[:80]!r} runs on the host itself: it is set there alone")
