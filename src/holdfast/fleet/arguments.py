"""What a job of each kind may be told: read strictly, so that a slip of the pen is not ignored."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import msgspec

from holdfast.base.units import parse_duration
from holdfast.fleet.jobs import Kind
from holdfast.fleet.recovery_arguments import (
    OF_RECOVERY,
    check_recovery,
    source_of_act,
)
from holdfast.fleet.virtual_machines import (
    read_vms,
    source_of_replication,
    source_of_restored,
    source_of_vm,
)

_LONGEST = 500
# Fifteen days, the end of the table by which points are thinned.
_MOST_HOURS = 15 * 24
# In place of a folder: where the settings of the host say.
DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupArguments:
    """By an assignment's paths, machines and options, or by those named here."""

    assignment: str | None = None
    paths: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    # Virtual machines of the host, by name; "*": all that are protected.
    vms: list[str] = field(default_factory=list)


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
    # What the passphrase that a person typed for it is fetched with, once.
    ticket: str | None = None
    overwrite: Literal["changed", "always", "newer", "never"] | None = None
    # Compare and count only.
    dry_run: bool = False
    # Out of a virtual machine's disk: a volume and what is meant in it, as vda1/etc.
    inside: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreVmArguments:
    """As `holdfast vm restore` takes them."""

    vm: str
    point: str
    # A machine beside the old one, the machine itself, or its disks as files.
    mode: Literal["new", "in-place", "disks"] = "new"
    name: str | None = None
    # In which folder a folder for it is made.
    pool: str | None = None
    # Of the new images; as the disks were.
    format: Literal["qcow2", "raw"] | None = None
    disks: list[str] | None = None
    # "OLD=NEW" for each network that its cards are to be in instead.
    networks: list[str] | None = None
    # The same UUID and addresses: the old machine is gone for good.
    keep_identity: bool = False
    start: bool = False
    machine: str | None = None
    ticket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorArguments:
    symptoms: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectArguments:
    """As `holdfast vm protect` takes them."""

    vm: str
    # None: as it was kept before, else the least.
    consistency: Literal["crash", "filesystem", "application"] | None = None
    tracking: Literal["auto", "bitmap", "overlay", "hash"] | None = None
    partly: bool = False
    never_freeze: bool | None = None
    # Where file systems are mounted; none named: all of them.
    freeze_mounts: list[str] | None = None
    # A number of points, or a time as in "6h".
    freeze_every: str | None = None
    # A folder, or "default".
    scratch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprotectArguments:
    vm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSettings:
    """In the words of `holdfast replication enable`; what is None is as without the option."""

    every: Literal["30s", "5m", "15m"] | None = None
    # For how many hours points are kept.
    points: int | None = None
    # A time as in "1h"; "0" never.
    app_every: str | None = None
    # "20mbit", or "20mbit@WINDOW"; none named: as fast as it goes.
    limits: list[str] | None = None
    priority: int | None = None
    # Empty: of none; always.
    group: str | None = None
    resync_window: str | None = None
    # As in "rpo-warn=10m"; those that are not named stay.
    thresholds: list[str] | None = None
    # Agreed to by a person: disks that are left out, and that there is no way back.
    partly: bool = False
    one_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateArguments(ReplicationSettings):
    vm: str
    # The name of a site.
    to: str
    # A point of the vault, or an image at the site.
    seed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfReplicationArguments:
    """Of an order about a replication that is there."""

    vm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResyncArguments:
    vm: str
    # Not to wait for its window.
    now: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReplicationArguments:
    vm: str
    # The replica and its points stay at the site.
    keep_replica: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoArguments:
    """The server's own work is told nothing."""


_OF_KIND: dict[Kind, type] = {
    Kind.BACKUP: BackupArguments,
    Kind.RETAIN: RetainArguments,
    Kind.PRUNE: PruneArguments,
    Kind.CHECK: CheckArguments,
    Kind.RESTORE: RestoreArguments,
    Kind.RESTORE_VM: RestoreVmArguments,
    Kind.DOCTOR: DoctorArguments,
    Kind.PROTECT: ProtectArguments,
    Kind.UNPROTECT: UnprotectArguments,
    Kind.REPLICATE: ReplicateArguments,
    Kind.PAUSE_REPLICATION: OfReplicationArguments,
    Kind.RESUME_REPLICATION: OfReplicationArguments,
    Kind.RESYNC_REPLICATION: ResyncArguments,
    Kind.END_REPLICATION: EndReplicationArguments,
    **OF_RECOVERY,
}
# To be paused, a replication need not have come to the end of what it is doing.
_AT_ANY_TIME = frozenset((Kind.PAUSE_REPLICATION, Kind.RESUME_REPLICATION))
_OF_REPLICATION = _AT_ANY_TIME | {
    *(Kind.REPLICATE, Kind.RESYNC_REPLICATION, Kind.END_REPLICATION),
}


def read_arguments(kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """The same with defaults filled in; ValueError says what is wrong."""
    wanted = _OF_KIND.get(kind, NoArguments)
    known = [one.name for one in fields(wanted)]
    if strange := sorted(given.keys() - set(known)):
        told = ", ".join(known) or "none"
        raise ValueError(f"{strange[0]!r} is not known; there are: {told}")
    read = msgspec.to_builtins(msgspec.convert(given, wanted))
    assert isinstance(read, dict)
    if kind is Kind.BACKUP:
        return _about_something(read)
    if kind in OF_RECOVERY:
        return check_recovery(kind, read)
    if "vm" in read:
        read_vms([read["vm"]], may_be_all=False)
    if kind is Kind.REPLICATE:
        return _replication(read)
    if kind in (Kind.RESTORE, Kind.RESTORE_VM):
        return _restore(kind, read)
    return _protection(read) if kind is Kind.PROTECT else read


def _restore(kind: Kind, read: dict[str, Any]) -> dict[str, Any]:
    """Agents of the version before know some of it only, and are not to stumble over nothing."""
    always = ("point", "to", "include", "verify", "vm", "mode")
    told = {name: value for name, value in read.items() if name in always or value}
    if kind is Kind.RESTORE:
        if not told["to"]:
            raise ValueError("to names a folder")
        return told
    return _restored_so(told)


def _restored_so(told: dict[str, Any]) -> dict[str, Any]:
    """What would be passed over in silence is a mistake to be told."""
    if told.get("name") is not None:
        read_vms([told["name"]], may_be_all=False)
    for network in told.get("networks", ()):
        old, _equals, new = network.partition("=")
        if not old or not new or not network.isprintable() or len(network) > _LONGEST:
            raise ValueError(f"{network[:80]!a} is not OLD=NEW")
    if not told.get("pool", "/").startswith("/"):
        raise ValueError("pool is the whole path of a folder")
    refused = _NOT_WITH.get(told["mode"], frozenset()) & told.keys()
    if refused:
        raise ValueError(f"{min(refused)} has no meaning with {told['mode']}")
    return told


# As the command says it.
_NOT_WITH: dict[str, frozenset[str]] = {
    "in-place": frozenset(("name", "pool", "format", "keep_identity", "networks")),
    "disks": frozenset(("keep_identity", "networks", "start")),
}


def _replication(read: dict[str, Any]) -> dict[str, Any]:
    """What only the host can judge, as windows and limits, is judged there."""
    told = {name: value for name, value in read.items() if value is not None and value is not False}
    for name, value in told.items():
        for text in value if isinstance(value, list) else (str(value),):
            if not text.isprintable() or len(text) > _LONGEST:
                raise ValueError(f"{name} {text[:80]!a} is not understood")
    if not 0 < told.get("points", 1) <= _MOST_HOURS:
        raise ValueError(f"points are kept for 1 to {_MOST_HOURS} hours")
    if not told["to"]:
        raise ValueError("to names a site")
    return told


def _protection(read: dict[str, Any]) -> dict[str, Any]:
    mounts, every, scratch = (read[name] for name in ("freeze_mounts", "freeze_every", "scratch"))
    for mount in mounts or ():
        if not mount.startswith("/") or "," in mount:
            raise ValueError(f"{mount!r} is no place of a file system")
    if every is not None and not _is_frequency(every):
        raise ValueError(f"{every!r} is neither a number nor a time like 6h")
    if scratch is not None and scratch != DEFAULT and not scratch.startswith("/"):
        raise ValueError(f"{scratch!r} is no whole path of a folder")
    # Agents of the version before know some of it only, and are not to stumble over nothing.
    return {name: value for name, value in read.items() if value is not None}


def _is_frequency(said: str) -> bool:
    try:
        if said.isdecimal():
            return int(said) > 0
        return round(parse_duration(said).total_seconds()) > 0
    except (ValueError, OverflowError):
        return False


def _about_something(read: dict[str, Any]) -> dict[str, Any]:
    if not (read["assignment"] or read["paths"] or read["vms"]):
        raise ValueError("name an assignment, paths or vms")
    vms = read_vms(read.pop("vms"))
    # Agents of the version before know paths only, and are not to stumble over nothing.
    return {**read, "vms": vms} if vms else read


def asked_again(kind: Kind, arguments: dict[str, Any]) -> dict[str, Any]:
    """What to ask for to have this job once more: of what an agent noted, what can be asked for."""
    known = {one.name for one in fields(_OF_KIND.get(kind, NoArguments))}
    return {name: value for name, value in arguments.items() if name in known}


def source_of(kind: Kind, arguments: dict[str, Any]) -> str:  # noqa: PLR0911  one for each kind
    """What a job works on: of two jobs on the same source one has to wait for the other."""
    if kind is Kind.BACKUP:
        if vms := arguments.get("vms"):
            return " ".join(map(source_of_vm, vms))
        return str(arguments.get("assignment") or " ".join(arguments.get("paths", ())))
    if kind in (Kind.PROTECT, Kind.UNPROTECT):
        return source_of_vm(str(arguments.get("vm", "")))
    if kind in _OF_REPLICATION:
        # Its machine can be backed up meanwhile.
        name = str(arguments.get("vm", ""))
        return source_of_replication(name, pause=kind in _AT_ANY_TIME)
    if kind in OF_RECOVERY:
        return source_of_act(kind, arguments)
    if kind is Kind.RESTORE:
        return str(arguments.get("to", ""))
    if kind is Kind.RESTORE_VM:
        return _restored_vm(arguments)
    # The others work on the repository as a whole.
    return "repository" if kind in (Kind.RETAIN, Kind.PRUNE, Kind.CHECK) else kind.value


def _restored_vm(arguments: dict[str, Any]) -> str:
    """A machine that is made beside another is nothing that a backup of that one waits for."""
    name = str(arguments.get("vm", ""))
    if arguments.get("mode") == "in-place":
        return source_of_vm(name)
    return source_of_restored(str(arguments.get("name") or name))
