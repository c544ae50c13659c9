"""What the doctor is told about replication, at its source and at its site; changes nothing."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from holdfast.app.host_load import load_of_quarter
from holdfast.app.replication_own_site import is_site, site_plan
from holdfast.app.replication_process import AtWork, Work, at_work
from holdfast.app.replication_serve import machines_here
from holdfast.app.replication_site_look import look_at_site
from holdfast.app.replication_way_probe import tell_way
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.fleet.replication_messages import ReplicaTold, SiteRole
from holdfast.replication.churn import RECENT, churn_of, packing, total
from holdfast.replication.cycle_record import read_cycles
from holdfast.replication.cycles import Cycle
from holdfast.replication.looking import Look, look_at_all
from holdfast.replication.source_folder import SourceFolder, replicated_here
from holdfast.replication.status import ReplicationStatus, State
from holdfast.replication.why_texts import why_text

Line = dict[str, object]
# What was found longer ago was compared since.
_AUDIT_KEPT = timedelta(days=7)


def has_replication(home: str) -> bool:
    """Whether this host replicates something, or is a site; cheap, for most hosts are neither."""
    try:
        return bool(replicated_here(home)) or is_site(home)
    except HoldfastError:
        return True


def tell_replications(session: Session) -> Iterator[Line]:
    home, now = session.settings.home, session.clock.now()
    looks = list(look_at_all(home, now))
    yield from _works(home, looks)
    for look in looks:
        cycles = read_cycles(SourceFolder(home, look.settings.vm).path)
        yield from _disks(look, cycles, now)
        yield from _happened(look, now)
        yield _cycles(look, cycles)
        # Last: who reads this line knows that nothing more is said against the machine.
        yield _machine(home, look, cycles, now)


def _works(home: str, looks: list[Look]) -> Iterator[Line]:
    yield {"holdfast": "replication-host", **load_of_quarter()}
    is_wanted = any(look.settings.paused is None for look in looks)
    yield {**_work(Work.RUN, at_work(home, Work.RUN)), "is_wanted": is_wanted}
    if is_site(home):
        yield {**_work(Work.SERVE, at_work(home, Work.SERVE)), "is_wanted": True}


def _work(work: Work, found: AtWork | None) -> Line:
    return {
        "holdfast": "replication-work",
        "work": work.value,
        "pid": found.pid if found else None,
    }


def _machine(home: str, look: Look, cycles: tuple[Cycle, ...], now: datetime) -> Line:
    settings, status = look.settings, look.status
    churn = churn_of(cycles, now)
    return {
        "holdfast": "replication",
        "vm": settings.name,
        "uuid": settings.vm,
        "site": status.site,
        "state": status.state.value,
        "health": status.health.value,
        "reasons": [reason.code for reason in status.reasons],
        "every": settings.every,
        "status_age_seconds": _age(status.updated_at, now),
        "rpo_seconds": status.rpo_seconds,
        "achievable_rpo_seconds": status.achievable_rpo_seconds,
        "cycles": status.cycles,
        "missed": status.missed,
        "queue_logs": status.queue_logs,
        "queue_bytes": status.queue_bytes,
        "throughput": status.throughput,
        "limit": status.limit_bytes_per_second,
        "limit_until": _moment(status.limit_until),
        "need": total(churn) * packing(cycles) if churn else None,
        "spool_share": round(status.spool.share, 3) if status.spool.ours else 0.0,
        "spool_free": status.spool.free,
        "greatest_log": status.greatest_log_bytes,
        "disk_bytes": _disk_bytes(home, settings.vm),
        **_halts(look),
        **_failure(look, status),
        "skew_seconds": status.skew_seconds,
        "left_out": ", ".join(f"{disk} ({why})" for disk, why in sorted(status.left_out.items())),
        "app_every": settings.app_every,
        "app_age_seconds": _age(status.latest_app_at, now),
    }


def _halts(look: Look) -> Line:
    status, paused = look.status, look.settings.paused
    told: Line = {"pending_bytes": status.pending_bytes}
    if paused is not None:
        # Said just now, it may not be in the status yet.
        told |= {"state": State.PAUSED.value, "paused_by": paused.who}
        told["paused_at"] = _moment(paused.since)
    if status.resync is not None:
        told["resync_why"] = why_text(status.resync.why)
        told["resync_since"] = _moment(status.resync.since)
        told["resync_at"] = _moment(status.resync.at)
    return told


def _failure(look: Look, status: ReplicationStatus) -> Line:
    if look.error is not None:
        return {"error": look.error.code, "said": str(look.error)}
    return {
        "error": status.error_code,
        "said": status.error,
        "failures": status.failures,
        "next_try_at": _moment(status.next_try_at),
        "is_given_up": any(reason.code == "not-retried" for reason in status.reasons),
    }


def _disk_bytes(home: str, uuid: str) -> int | None:
    sent = SourceFolder(home, uuid).sent()
    base = sent.base if sent else None
    return sum(disk.size for disk in base.disks) or None if base else None


def _disks(look: Look, cycles: tuple[Cycle, ...], now: datetime) -> Iterator[Line]:
    hour = churn_of(cycles, now)
    recent = {each.target: each for each in churn_of(cycles, now, window=RECENT)}
    whole = total(hour)
    for each in hour:
        now_too = recent.get(each.target)
        yield {
            "holdfast": "replicated-disk",
            "vm": look.settings.name,
            "disk": each.target,
            "mib_per_second": _mib(each.dirty_bytes_per_second),
            "recent_mib_per_second": _mib(now_too.dirty_bytes_per_second) if now_too else None,
            "share": round(each.dirty_bytes_per_second / whole, 3) if whole else 0.0,
            "disks": len(hour),
        }


def _happened(look: Look, now: datetime) -> Iterator[Line]:
    """Only what still matters: a point that was good again ends all downgrades before it."""
    name, good = look.settings.name, look.status.latest_app_at
    newest = {each.why: each for each in look.status.happenings if each.what == "downgraded"}
    for each in newest.values():
        if good is None or each.at > good:
            yield {
                "holdfast": "replicated-point",
                "vm": name,
                "at": _moment(each.at),
                "why": each.why,
            }
    for each in look.status.happenings:
        if each.what == "audit" and now - each.at < _AUDIT_KEPT:
            yield {
                "holdfast": "replication-audit",
                "vm": name,
                "at": _moment(each.at),
                "why": each.why,
            }


def _cycles(look: Look, cycles: tuple[Cycle, ...]) -> Line:
    codes = Counter(code for cycle in cycles if (code := cycle.code or cycle.delayed))
    return {
        "holdfast": "replication-cycles",
        "vm": look.settings.name,
        "cycles": len(cycles),
        "codes": dict(codes),
    }


def tell_site(session: Session) -> Iterator[Line]:
    """This host as a site; what lies there is read from its folder without disturbing it."""
    home = session.settings.home
    if not is_site(home):
        return
    try:
        plan = site_plan(home)
    except HoldfastError as err:
        line: Line = {"holdfast": "replication-site", "site": "", "folder": "", "is_there": False}
        yield {**line, "reason": str(err)}
        return
    role = SiteRole(site=plan.name, folder=plan.folder, port=plan.port, grants=[])
    told = look_at_site(role, session.clock, lambda: machines_here(session))
    for replica in told.replicas:
        yield _replica(replica, session.clock.now())
    is_there = os.path.isdir(plan.folder)
    is_writable = is_there and os.access(plan.folder, os.W_OK | os.X_OK)
    yield {
        "holdfast": "replication-site",
        "site": plan.name,
        "folder": plan.folder,
        "is_there": is_there,
        "is_writable": is_writable,
        "reason": "" if is_writable else _reason(is_there=is_there),
        "size": told.bytes_total or 0,
        "free": told.bytes_free or 0,
        "replicas": len(told.replicas),
    }


def _reason(*, is_there: bool) -> str:
    return "it may not be written" if is_there else "it is not there"


def _replica(replica: ReplicaTold, now: datetime) -> Line:
    return {
        "holdfast": "replica",
        "vm": replica.name,
        "points": replica.points,
        "newest_age_seconds": _age(replica.newest_at, now),
        "remarks": list(replica.remarks),
    }


def _mib(count: float) -> float:
    return round(count / MIB, 3)


def _age(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else round(max(0.0, (now - since).total_seconds()), 1)


def _moment(when: datetime | None) -> str | None:
    return when.isoformat() if when else None


REPLICATION_PROBES: dict[str, Callable[[Session], Iterator[Line]]] = {
    "own.replication": tell_replications,
    "own.replication.way": tell_way,
    "own.replication.site": tell_site,
}
