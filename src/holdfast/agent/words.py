"""From a job to the words of the command that does it.

What a job asks for comes from a server, so every word is placed where it can only be a value: a
path that begins with a dash stays a path, and what is not known here is refused.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from holdfast.agent.errors import ArgumentsNotUnderstood
from holdfast.agent.jobs import Job
from holdfast.agent.recovery_words import recovery_words
from holdfast.app.vm_errors import VmNoneProtected, VmNotProtected
from holdfast.fleet.backup_options import mark_of, tag_of
from holdfast.fleet.jobs import Kind
from holdfast.fleet.messages import AssignedPolicy
from holdfast.fleet.policies import Policy, known_policy
from holdfast.fleet.virtual_machines import ALL

_Reader = Callable[[str, Any], list[str]]
_PATIENCE = "--wait=10m"
_LATEST = "latest"


def _flag(option: str, value: Any) -> list[str]:
    return [option] if value else []


def _one(option: str, value: Any) -> list[str]:
    return [] if value is None else [f"{option}={value}"]


def _many(option: str, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    return [f"{option}={one}" for one in values or ()]


# Options of an assignment's backups. No hooks: who may change a policy on the server must not
# command every machine.
_BACKUP: dict[str, tuple[str, _Reader]] = {
    "excludes": ("--exclude", _many),
    "exclude_files": ("--exclude-file", _many),
    "ignore_names": ("--ignore-name", _many),
    "exclude_caches": ("--exclude-caches", _flag),
    "exclude_larger_than": ("--exclude-larger-than", _one),
    "one_file_system": ("--one-file-system", _flag),
    "with_remote": ("--with-remote", _flag),
    "tags": ("--tag", _many),
    "force": ("--force", _flag),
    "view": ("--view", _one),
}


def _no_host(_vm: str) -> str:
    """The host that the settings name."""
    return ""


def words_for(  # noqa: PLR0911  one for each kind
    job: Job,
    assigned: AssignedPolicy | None,
    *,
    location_of: Callable[[str], str],
    host_of: Callable[[str], str] = _no_host,
) -> list[str]:
    """The command line of a job, without the program.

    `location_of` gives the vault location of another machine of this vault, `host_of` the
    hypervisor on which a virtual machine is protected.
    """
    given = job.arguments
    match job.kind:
        case Kind.BACKUP:
            is_of_vm = bool(given.get("vms"))
            return _backup_of_vm(job, assigned, host_of) if is_of_vm else _backup(job, assigned)
        case Kind.PROTECT | Kind.UNPROTECT:
            return _protect(job, host_of)
        case Kind.REPLICATE:
            return _replicate(given, host_of)
        case (
            Kind.PAUSE_REPLICATION
            | Kind.RESUME_REPLICATION
            | Kind.RESYNC_REPLICATION
            | Kind.END_REPLICATION
        ):
            return _of_replication(job)
        case Kind.RETAIN:
            return _retain(given, _needed(job, assigned))
        case Kind.PRUNE:
            return _prune(given, assigned)
        case Kind.CHECK:
            read = given.get("read_data")
            return ["check", "--json", *_one("--read-data", "" if read == "all" else read)]
        case Kind.RESTORE | Kind.RESTORE_VM:
            return _restored(job, location_of, host_of)
        case Kind.DOCTOR:
            return ["doctor", "--json", "--", *_texts(job.kind, given.get("symptoms"))]
        case _:
            return recovery_words(job.kind, given)


def policy_of(assigned: AssignedPolicy) -> Policy:
    return known_policy(assigned.policy)


def _backup(job: Job, assigned: AssignedPolicy | None) -> list[str]:
    given = job.arguments
    paths = _texts(Kind.BACKUP, given.get("paths"))
    words = ["backup", "--json", _PATIENCE, *_many("--tag", given.get("tags"))]
    _require_assigned(job, assigned)
    if assigned is not None:
        paths = paths or assigned.paths
        words += _many("--tag", tag_of(assigned.id))
    words += _mark(job)
    if assigned is not None:
        words += _options(assigned.options)
    if not paths:
        raise ArgumentsNotUnderstood(kind="backup", reason="paths")
    return [*words, "--", *paths]


def _backup_of_vm(
    job: Job, assigned: AssignedPolicy | None, host_of: Callable[[str], str]
) -> list[str]:
    given = job.arguments
    vms = _texts(Kind.BACKUP, given["vms"])
    if vms == [ALL]:
        raise VmNoneProtected(host=os.uname().nodename)
    if len(vms) != 1:
        raise ArgumentsNotUnderstood(kind="backup", reason=" ".join(vms))
    _require_assigned(job, assigned)
    (vm,), host = vms, host_of(vms[0])
    if assigned is not None and not host and vm not in assigned.vms:
        # It was one of all that are protected, and was let go while this job waited.
        raise VmNotProtected(about=vm)
    words = ["backup", "--json", _PATIENCE, *_many("--tag", given.get("tags"))]
    if assigned is not None:
        words += _many("--tag", tag_of(assigned.id))
    words += _mark(job)
    if assigned is not None:
        # The others are about files.
        words += _options({"tags": assigned.options.get("tags")})
    return [*words, *_one("--libvirt", host or None), f"--vm={vm}"]


def _mark(job: Job) -> list[str]:
    """Begun before, it may have made its point and died before it could say so."""
    return _one("--tag" if job.started_at is None else "--once", mark_of(job.id))


def _protect(job: Job, host_of: Callable[[str], str]) -> list[str]:
    """`vm protect` and `vm unprotect`, which end where they were begun before."""
    given, vm = job.arguments, str(job.arguments.get("vm", ""))
    words = ["vm", job.kind.value, "--json", *_one("--host", host_of(vm) or None)]
    if job.kind is Kind.PROTECT:
        words += _one("--consistency", given.get("consistency"))
        words += _one("--tracking", given.get("tracking"))
        words += _flag("--partly", given.get("partly"))
        words += _freezing(given)
        words += _one("--scratch", given.get("scratch"))
    return [*words, "--", vm]


def _replicate(given: Mapping[str, Any], host_of: Callable[[str], str]) -> list[str]:
    """Begun before, it goes on with the step that it came to."""
    vm = str(given.get("vm", ""))
    words = ["replication", "enable", "--json", *_one("--host", host_of(vm) or None)]
    for name in ("to", "every", "points", "app_every", "seed", "priority", "group"):
        words += _one(f"--{name.replace('_', '-')}", given.get(name))
    words += _many("--limit", given.get("limits"))
    words += _flag("--no-limit", given.get("limits") == [])
    words += _many("--threshold", given.get("thresholds"))
    words += _one("--resync-window", given.get("resync_window"))
    words += [*_flag("--partly", given.get("partly")), *_flag("--one-way", given.get("one_way"))]
    return [*words, "--", vm]


def _of_replication(job: Job) -> list[str]:
    """Those of the command that the kind ends with: pause, resume, resync or disable."""
    given, verb = job.arguments, job.kind.value.removeprefix("replication-")
    words = ["replication", verb, "--json", *_flag("--now", given.get("now"))]
    words += _flag("--keep-replica", given.get("keep_replica"))
    return [*words, "--", str(given.get("vm", ""))]


def _freezing(given: Mapping[str, Any]) -> list[str]:
    never, mounts = given.get("never_freeze"), given.get("freeze_mounts")
    words = [] if never is None else ["--never-freeze" if never else "--may-freeze"]
    words += _one("--freeze-mounts", None if mounts is None else ",".join(mounts) or "all")
    return [*words, *_one("--freeze-every", given.get("freeze_every"))]


def _require_assigned(job: Job, assigned: AssignedPolicy | None) -> None:
    if job.arguments.get("assignment") and assigned is None:
        # A policy that was taken away meanwhile: without its excludes it would be another backup.
        raise ArgumentsNotUnderstood(kind=job.kind.value, reason=job.arguments["assignment"])


def _options(options: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in options.items():
        if name not in _BACKUP:
            raise ArgumentsNotUnderstood(kind="backup", reason=name)
        option, reader = _BACKUP[name]
        words += reader(option, value)
    return words


def _retain(given: Mapping[str, Any], assigned: AssignedPolicy) -> list[str]:
    policy = policy_of(assigned)
    rules = policy.retain_arguments
    kept = [
        word
        for name, texts in rules.items()
        for word in _many(f"--{name.replace('_', '-')}", texts)
    ]
    # The days the server counts for its preview.
    only = [*_many("--tag", tag_of(assigned.id)), *_one("--zone", policy.zone)]
    dry = _flag("--dry-run", given.get("dry_run"))
    return ["retain", "--json", _PATIENCE, *only, *dry, *kept]


def _prune(given: Mapping[str, Any], assigned: AssignedPolicy | None) -> list[str]:
    policy = policy_of(assigned) if assigned is not None else None
    limit = policy.prune.max_unused if policy and policy.prune else None
    dry = _flag("--dry-run", given.get("dry_run"))
    return ["prune", "--json", _PATIENCE, *dry, *_one("--max-unused", limit)]


def _restored(
    job: Job, location_of: Callable[[str], str], host_of: Callable[[str], str]
) -> list[str]:
    given = job.arguments
    if job.kind is Kind.RESTORE:
        return _restore(given, location_of)
    return _restore_vm(given, location_of, host_of(str(given.get("vm", ""))) or None)


def _restore(given: Mapping[str, Any], location_of: Callable[[str], str]) -> list[str]:
    is_inside = given.get("inside") is not None
    words = ["vm", "files"] if is_inside else ["restore"]
    words += ["--json", *_one("--to", given.get("to"))]
    if is_inside:
        what = [str(given.get("point")), str(given["inside"])]
        return [*words, *_elsewhere(given, location_of), "--", *what]
    words += [*_many("--include", given.get("include")), *_flag("--verify", given.get("verify"))]
    words += _one("--overwrite", given.get("overwrite"))
    words += [*_flag("--dry-run", given.get("dry_run")), *_elsewhere(given, location_of)]
    return [*words, "--", str(given.get("point"))]


def _restore_vm(
    given: Mapping[str, Any], location_of: Callable[[str], str], host: str | None
) -> list[str]:
    mode = given.get("mode")
    words = ["vm", "restore", "--json", *_elsewhere(given, location_of)]
    words += [*_flag("--in-place", mode == "in-place"), *_flag("--only-disks", mode == "disks")]
    if given.get("point") == _LATEST:
        # Else it would be the newest of whichever machine.
        words += _one("--vm", given.get("vm"))
    if mode != "disks":
        # The host that the old machine is on; one that it is not on takes what its settings name.
        words += _one("--host", host)
    for name in ("name", "pool", "format"):
        words += _one(f"--{name}", given.get(name))
    words += [*_many("--disk", given.get("disks")), *_many("--network", given.get("networks"))]
    words += _flag("--keep-identity", given.get("keep_identity"))
    words += _flag("--start", given.get("start"))
    return [*words, "--", str(given.get("point"))]


def _elsewhere(given: Mapping[str, Any], location_of: Callable[[str], str]) -> list[str]:
    """Of another machine: read only, so no lock can be put there either."""
    machine = given.get("machine")
    return ["--no-lock", f"--vault={location_of(machine)}"] if machine else []


def _needed(job: Job, assigned: AssignedPolicy | None) -> AssignedPolicy:
    if assigned is None:
        raise ArgumentsNotUnderstood(kind=job.kind.value, reason=job.arguments.get("assignment"))
    return assigned


def _texts(kind: Kind, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else list(value or ())
    if not all(isinstance(one, str) for one in values):
        raise ArgumentsNotUnderstood(kind=kind.value, reason=repr(value))
    return values
