"""What the doctor is told about virtual machines and their hosts; looks only, changes nothing."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from holdfast.app.host_load import load_of_minutes
from holdfast.app.vm_extension_probe import tell_extension
from holdfast.app.vm_guest_probe import tell_agents, tell_guests
from holdfast.app.vm_known import Known, find, known_by_host, lock_of
from holdfast.app.vm_look import look_at
from holdfast.app.vms import limits_of
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.backup_jobs import current_backup, job_stats
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, list_domains
from holdfast.machines.preflight import Remark, plan_sheet
from holdfast.machines.scratch_guard import reserve_of
from holdfast.machines.scratch_place import is_our_socket

Line = dict[str, object]


def tell_machines(session: Session) -> Iterator[Line]:
    """Each host with machines of ours, and each of these with what is against it."""
    for uri, machines in known_by_host(session).items():
        line: Line = {"holdfast": "vm-host", "uri": uri}
        try:
            with Host.open(uri) as host:
                yield {**line, "jobs": _jobs(host), **_business(uri)}
                for known in machines:
                    yield from _machine(session, host, known)
        except HoldfastError as err:
            yield {**line, "error": err.code, "reason": str(err.fields.get("reason", err))}


def _jobs(host: Host) -> int:
    return sum(1 for domain in list_domains(host) if _has_backup(domain))


def _has_backup(domain: Domain) -> bool:
    with contextlib.suppress(HoldfastError):
        stats = job_stats(domain) if domain.is_active() else None
        return stats is not None and stats.is_backup
    return False


def _business(uri: str) -> Line:
    """Of this machine, where it is the host itself."""
    if not uri.startswith(("qemu:///", "qemu+unix:///")):
        return {}
    return load_of_minutes()


def _machine(session: Session, host: Host, known: Known) -> Iterator[Line]:
    is_protected = known.protection is not None and known.protection.since is not None
    line: Line = {"holdfast": "vm-machine", "vm": known.name, "is_protected": is_protected}
    domain = find(host, known)
    if domain is None:
        yield {**line, "uuid": known.uuid, "is_there": False}
        return
    lock = lock_of(session.settings.home, domain.uuid)
    held: Line = {
        "is_locked": lock.is_held,
        "lock_work": lock.work,
        "lock_pid": lock.pid,
        "lock_since": lock.since,
    }
    # Agents are asked by a probe of their own, which may take its time.
    seen = look_at(domain, ask_agent=False)
    standing = seen.standing
    state: Line = {"state": standing.state.name.lower(), "state_reason": standing.reason}
    agreed = known.protection.left_out if known.protection else {}
    for disk, remark in plan_sheet(seen, limits_of(session)).all_remarks():
        told = _remark(domain.name, disk, remark)
        # Somebody knows that this disk is in no point, and why.
        yield {**told, "weight": "agreed"} if agreed.get(disk) == remark.code else told
    # Last: who reads this line knows that nothing more is said against the machine.
    yield {**line, "uuid": domain.uuid, **state, **held, "job": _job(domain)}


def _job(domain: Domain) -> str:
    with contextlib.suppress(HoldfastError):
        plan = current_backup(domain) if _has_backup(domain) else None
        if plan is not None:
            return "ours" if is_our_socket(str(plan.socket)) else "foreign"
    return ""


def _remark(vm: str, disk: str, remark: Remark) -> Line:
    values = {name: str(value) for name, value in remark.values.items()}
    told: Line = {"vm": vm, "disk": disk, "code": remark.code, "weight": remark.weight.value}
    return {"holdfast": "vm-remark", **told, "values": values}


def tell_scratch(session: Session) -> Iterator[Line]:
    """Only where backups of machines have been made: before that there is no such folder."""
    hosts = known_by_host(session)
    if not hosts:
        return
    known = [one.protection for all_ in hosts.values() for one in all_ if one.protection]
    own = {one.scratch for one in known} - {""}
    for folder in sorted({session.settings.vm_scratch, *own}):
        yield from _scratch(session, Path(folder))


def _scratch(session: Session, folder: Path) -> Iterator[Line]:
    line: Line = {"holdfast": "vm-scratch", "folder": str(folder)}
    if not folder.is_dir():
        return
    try:
        found = os.statvfs(folder)
        left = [one.name for one in folder.iterdir() if _is_left(session, one.name)]
    except OSError as err:
        yield {**line, "reason": err.strerror}
        return
    size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    yield {**line, "size": size, "free": free, "reserve": reserve_of(size), "left": sorted(left)}


def _is_left(session: Session, name: str) -> bool:
    """Whether it is a machine's and nobody works on that; the rest of the folder is not ours."""
    try:
        uuid = str(UUID(name))
    except ValueError:
        return False
    return uuid == name and not lock_of(session.settings.home, uuid).is_held


VM_PROBES: dict[str, Callable[[Session], Iterator[Line]]] = {
    "own.vm": tell_machines,
    "own.vm.agent": tell_agents,
    "own.vm.guest": tell_guests,
    "own.vm.extension": tell_extension,
    "own.vm.scratch": tell_scratch,
}
