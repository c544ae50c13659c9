"""Whether a machine would come back if it were lost now, and what speaks against it.

Facts go in and a verdict comes out; nothing is asked of a database or a clock. A point that is
there and fresh counts for more than a policy that promises one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from holdfast.app.control.machine_views import SILENT_AFTER
from holdfast.replication.status import Health, State


class Safety(StrEnum):
    PROTECTED = "protected"
    AT_RISK = "at-risk"
    UNPROTECTED = "unprotected"
    # It keeps replicas, or runs machines that are replicated; of itself nothing is kept.
    HOST = "host"


class Why(StrEnum):
    """What speaks against it, the gravest first."""

    NOT_PROTECTED = "not-protected"
    SPLIT_BRAIN = "split-brain"
    DAMAGED = "damaged"
    REPLICATION_CRITICAL = "replication-critical"
    NO_POINT = "no-point"
    OVERDUE = "overdue"
    FAILED_OVER = "failed-over"
    PAUSED = "paused"
    BACKUP_FAILED = "backup-failed"
    SILENT = "silent"
    REPLICATION_WARNING = "replication-warning"


_ORDER = tuple(Why)
# What is replicated in these goes nowhere: it was failed over, or nobody replicates it any more.
_OVER = frozenset((State.FAILED_OVER, State.FAILOVER_WAITING))
_GONE = frozenset((State.OFF, State.HOST_NOT_REGISTERED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    safety: Safety
    reasons: tuple[Why, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFacts:
    """What is known of the backups of one thing."""

    newest_point: datetime | None = None
    # Since when a policy holds for it that is not paused.
    assigned_since: datetime | None = None
    # There are policies for it, and all are paused.
    is_paused: bool = False
    # How old its newest point may be; None: nobody asks.
    within: timedelta | None = None
    is_damaged: bool = False
    has_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WayFacts:
    """One site it is replicated to."""

    state: str
    health: str


def judge_machine(
    backups: BackupFacts, *, heard_at: datetime | None, is_host: bool, now: datetime
) -> Verdict:
    """Of a registered machine: its files, and what else of it goes to its vault."""
    if not _is_backed_up(backups, now):
        if is_host:
            return Verdict(safety=Safety.HOST)
        why = Why.PAUSED if backups.is_paused else Why.NOT_PROTECTED
        return Verdict(safety=Safety.UNPROTECTED, reasons=(why,))
    return _verdict(_against_backups(backups, now) | _silence(heard_at, now))


def judge_vm(
    backups: BackupFacts,
    ways: tuple[WayFacts, ...],
    *,
    heard_at: datetime | None,
    is_split: bool,
    is_tracked: bool,
    now: datetime,
) -> Verdict:
    """Of a virtual machine: either of backup and replication protects it, trouble of both counts.

    `is_tracked`: its host was told to protect it, whatever has come of that.
    """
    alive = [way for way in ways if way.state not in _OVER | _GONE]
    is_backed_up = _is_backed_up(backups, now) or is_tracked
    if is_split:
        return Verdict(safety=Safety.AT_RISK, reasons=(Why.SPLIT_BRAIN,))
    if not is_backed_up and not alive:
        return _left(backups, ways)
    found = _silence(heard_at, now) | _against_ways(alive)
    if is_backed_up:
        found |= _against_backups(backups, now)
    elif backups.has_failed:
        # Somebody wanted one.
        found.add(Why.BACKUP_FAILED)
    if not alive and any(way.state in _OVER for way in ways):
        found.add(Why.FAILED_OVER)
    return _verdict(found)


def _left(backups: BackupFacts, ways: tuple[WayFacts, ...]) -> Verdict:
    """Nothing protects it now; after a failover its old disks are still there."""
    if any(way.state in _OVER for way in ways):
        return Verdict(safety=Safety.AT_RISK, reasons=(Why.FAILED_OVER,))
    why = Why.PAUSED if backups.is_paused else Why.NOT_PROTECTED
    return Verdict(safety=Safety.UNPROTECTED, reasons=(why,))


def _is_fresh(backups: BackupFacts, now: datetime) -> bool:
    """Dated by a clock that is far ahead it may be of any age."""
    newest, within = backups.newest_point, backups.within
    return newest is not None and (within is None or abs(now - newest) <= within)


def _is_backed_up(backups: BackupFacts, now: datetime) -> bool:
    """By a policy; or by somebody else, as long as points come."""
    by_hand = backups.within is not None and _is_fresh(backups, now)
    return backups.assigned_since is not None or by_hand


def _against_backups(backups: BackupFacts, now: datetime) -> set[Why]:
    found = set[Why]()
    if backups.newest_point is None:
        found.add(Why.NO_POINT)
    elif not _is_fresh(backups, now):
        found.add(Why.OVERDUE)
    if backups.is_paused and backups.assigned_since is None:
        found.add(Why.PAUSED)
    if backups.is_damaged:
        found.add(Why.DAMAGED)
    if backups.has_failed:
        found.add(Why.BACKUP_FAILED)
    return found


def _against_ways(ways: list[WayFacts]) -> set[Why]:
    healths = {way.health for way in ways}
    if Health.CRITICAL in healths:
        return {Why.REPLICATION_CRITICAL}
    return {Why.REPLICATION_WARNING} if Health.WARNING in healths else set()


def _silence(heard_at: datetime | None, now: datetime) -> set[Why]:
    is_heard = heard_at is not None and now - heard_at <= SILENT_AFTER
    return set() if is_heard else {Why.SILENT}


def _verdict(found: set[Why]) -> Verdict:
    safety = Safety.AT_RISK if found else Safety.PROTECTED
    return Verdict(safety=safety, reasons=tuple(sorted(found, key=_ORDER.index)))
