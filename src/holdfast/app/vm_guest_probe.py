"""What guests say of themselves through their agents: the agent's own state, load, mounts, tools."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from holdfast.app import vm_records
from holdfast.app.vm_known import Known, each_machine, lock_of
from holdfast.app.vm_look import answers, ask
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.hypervisor.domain_disks import disk_counters
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_programs import GuestPrograms
from holdfast.hypervisor.states import State
from holdfast.machines.preflight import NEEDED_COMMANDS

Line = dict[str, object]
_AT_ONCE = 8
_SECONDS = 10.0
# Writes are counted for so long; a planner measures for days.
_CHURN_SECONDS = 2.0
_UNIT = "systemctl show -p UnitFileState -p Restart qemu-guest-agent 2>/dev/null"
_LOOK = """
read _ five _ < /proc/loadavg; echo "load $five $(grep -c ^processor /proc/cpuinfo)"
grep -E '^Mem(Total|Available):' /proc/meminfo
while read what where kind _; do echo "mount $what $where $kind"; done < /proc/mounts
for one in /proc/[0-9]*/comm; do read name < "$one" && echo "runs $name"; done 2>/dev/null
true
"""
_REMOTE = re.compile(
    r"nfs4?|cifs|smb3|ceph|glusterfs|fuse\.(?:sshfs|glusterfs|s3fs|rclone)|9p|virtiofs"
)
_SPANNING = re.compile(r"/dev/(?:mapper/|md|dm-)")
_TOOLS = frozenset(
    (
        *("mysqldump", "mariadb-dump", "mariabackup", "mariadb-backup", "xtrabackup"),
        *("pg_dump", "pg_dumpall", "pg_basebackup", "pgbackrest", "barman", "wal-g", "mongodump"),
        *("restic", "borg", "kopia", "duplicity", "rsnapshot", "veeamservice", "veeamagent"),
        *("bacula-fd", "bareos-fd", "dsmc", "cvd", "nsrexecd", "bpbkar", "urbackupclient"),
    )
)
_Tell = Callable[[Session, Known, Domain], Iterator[Line]]


def tell_agents(session: Session) -> Iterator[Line]:
    yield from of_each(session, _agent)


def tell_guests(session: Session) -> Iterator[Line]:
    yield from of_each(session, _guest)


def of_each(session: Session, tell: _Tell) -> Iterator[Line]:
    """All at once: one that is silent must not make the others wait."""
    with each_machine(session) as machines, ThreadPoolExecutor(_AT_ONCE) as pool:
        for lines in pool.map(lambda one: _told(tell, session, *one), machines):
            yield from lines


def _told(tell: _Tell, session: Session, known: Known, domain: Domain) -> list[Line]:
    lines: list[Line] = []
    try:
        for line in tell(session, known, domain):
            lines.append(line)  # noqa: PERF402  what came before an error counts
    except HoldfastError:
        # It was stopped meanwhile, or fell silent: what it said before stands.
        pass
    return lines


def runs(domain: Domain) -> bool:
    return domain.standing().state in (State.RUNNING, State.BLOCKED)


def _agent(session: Session, _known: Known, domain: Domain) -> Iterator[Line]:
    if not runs(domain):
        return
    spec = domain.spec()
    seen = ask(domain, spec)
    line: Line = {"holdfast": "vm-agent", "vm": domain.name, "error": seen.error}
    line["is_locked"] = lock_of(session.settings.home, domain.uuid).is_held
    if not seen.answers:
        absent = "no-channel" if not spec.has_agent_channel else "absent"
        known = seen.error in ("guest-agent-channel-missing", "guest-agent-absent")
        yield {**line, "state": absent if known else "silent"}
        return
    lacking = () if seen.is_frozen else sorted(NEEDED_COMMANDS - seen.commands)
    said: Line = {"version": seen.version, "is_frozen": seen.is_frozen, "lacking": list(lacking)}
    yield {**line, "state": "answers", **said}
    if "guest-exec" in seen.commands:
        yield from _unit(session, domain)


def _unit(session: Session, domain: Domain) -> Iterator[Line]:
    said = dict(line.split("=", 1) for line in _asked(session, domain, _UNIT) if "=" in line)
    if said.get("UnitFileState"):
        line: Line = {"holdfast": "vm-agent-unit", "vm": domain.name}
        yield {**line, "enabled": said["UnitFileState"], "restart": said.get("Restart", "")}


def _asked(session: Session, domain: Domain, script: str) -> list[str]:
    programs = GuestPrograms(GuestAgent(domain), session.clock, about=domain.name)
    ended = programs.run(["/bin/sh", "-c", script], within=_SECONDS)
    return ended.out.decode(errors="replace").splitlines()


def _guest(session: Session, known: Known, domain: Domain) -> Iterator[Line]:
    last = vm_records.load_last(session.settings.home, domain.uuid)
    if last is not None:
        yield _last(domain.name, last)
    if not runs(domain):
        return
    yield _churn(session, domain)
    if not answers(domain):
        return
    left_out = sorted(known.protection.left_out) if known.protection else []
    line: Line = {"holdfast": "vm-guest", "vm": domain.name, "disks_left_out": left_out}
    yield {**line, **read_look(_asked(session, domain, _LOOK))}


def _last(vm: str, last: vm_records.LastPoint) -> Line:
    line: Line = {"holdfast": "vm-last", "vm": vm, "consistency": last.consistency}
    said: Line = {"at": last.at.isoformat(), "wanted": last.wanted, "freeze_ms": last.freeze_ms}
    return {**line, **said, "downgrades": last.downgrades}


def _churn(session: Session, domain: Domain) -> Line:
    before, begun = _written(domain), session.clock.monotonic()
    session.clock.sleep(_CHURN_SECONDS)
    written = _written(domain) - before
    seconds = session.clock.monotonic() - begun
    rate = written / MIB / max(seconds, _CHURN_SECONDS)
    line: Line = {"holdfast": "vm-churn", "vm": domain.name}
    return {**line, "mib_per_second": round(rate, 2), "seconds": round(seconds, 1)}


def _written(domain: Domain) -> int:
    disks = domain.spec().data_disks
    return sum(disk_counters(domain, disk.target).written_bytes for disk in disks)


def read_look(lines: list[str]) -> Line:
    """What the guest printed, whatever it was: what does not read is not told."""
    words = [line.split() for line in lines]
    mounts = [one[1:4] for one in words if len(one) > 3 and one[0] == "mount"]  # noqa: PLR2004
    runs = {line.removeprefix("runs ") for line in lines if line.startswith("runs ")}
    return {
        **_load(words),
        **_memory(words),
        "remote_mounts": [where for _w, where, kind in mounts if _REMOTE.fullmatch(kind)],
        "spanning_mounts": [
            where for what, where, kind in mounts if _SPANNING.match(what) or kind == "zfs"
        ],
        "other_tools": sorted(runs & _TOOLS),
    }


def _load(words: list[list[str]]) -> Line:
    for one in words:
        if one[:1] == ["load"] and len(one) == 3:  # noqa: PLR2004
            try:
                return {"load": round(float(one[1]) / max(1, int(one[2])), 2)}
            except ValueError:
                break
    return {}


def _memory(words: list[list[str]]) -> Line:
    sizes = {one[0]: int(one[1]) for one in words if len(one) == 3 and one[1].isdecimal()}  # noqa: PLR2004
    total, free = sizes.get("MemTotal:"), sizes.get("MemAvailable:")
    if not total or free is None:
        return {}
    return {"memory_free": round(free / total, 3), "memory_free_mib": free >> 10}
