"""What a job of each kind may be told: read strictly, so that a slip of the pen is not ignored."""

from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from holdfast.fleet.jobs import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupArguments:
    """By an assignment's paths and options, or by the paths named here."""

    assignment: str | None = None
    paths: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainArguments:
    """Rules come from the policy alone: a job asked for by hand cannot bring shorter ones."""

    assignment: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneArguments:
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckArguments:
    # As `holdfast check --read-data` takes it: "10%", "500M"; "all" is everything.
    read_data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreArguments:
    point: str
    to: str
    include: list[str] = field(default_factory=list)
    verify: bool = True
    # Another machine of the vault, which has let this one read its repository.
    machine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorArguments:
    symptoms: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoArguments:
    """The server's own work is told nothing."""


_OF_KIND: dict[Kind, type] = {
    Kind.BACKUP: BackupArguments,
    Kind.RETAIN: RetainArguments,
    Kind.PRUNE: PruneArguments,
    Kind.CHECK: CheckArguments,
    Kind.RESTORE: RestoreArguments,
    Kind.DOCTOR: DoctorArguments,
}


def read_arguments(kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """The same with defaults filled in; ValueError says what is wrong."""
    wanted = _OF_KIND.get(kind, NoArguments)
    known = [one.name for one in fields(wanted)]
    if strange := sorted(given.keys() - set(known)):
        told = ", ".join(known) or "none"
        raise ValueError(f"{strange[0]!r} is not known; there are: {told}")
    read = msgspec.to_builtins(msgspec.convert(given, wanted))
    if kind is Kind.BACKUP and not (read["assignment"] or read["paths"]):
        raise ValueError("name an assignment or paths")
    assert isinstance(read, dict)
    return read


def asked_again(kind: Kind, arguments: dict[str, Any]) -> dict[str, Any]:
    """What to ask for to have this job once more: of what an agent noted, what can be asked for."""
    known = {one.name for one in fields(_OF_KIND.get(kind, NoArguments))}
    return {name: value for name, value in arguments.items() if name in known}


def source_of(kind: Kind, arguments: dict[str, Any]) -> str:
    """What a job works on: of two jobs on the same source one has to wait for the other."""
    if kind is Kind.BACKUP:
        return str(arguments.get("assignment") or " ".join(arguments.get("paths", ())))
    if kind is Kind.RESTORE:
        return str(arguments.get("to", ""))
    # The others work on the repository as a whole.
    return "repository" if kind in (Kind.RETAIN, Kind.PRUNE, Kind.CHECK) else kind.value
