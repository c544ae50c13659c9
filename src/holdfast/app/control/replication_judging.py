"""How a replication is, by what its host told last and by the time that has passed since."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from holdfast.app.control.machine_views import is_silent
from holdfast.catalog.tables import Machine, Replication
from holdfast.replication.health import judgement
from holdfast.replication.judged_status import as_of
from holdfast.replication.judged_status import is_silent as is_stale
from holdfast.replication.judging import DONE
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.status import Health, Reason, ReplicationStatus, State

# A machine that left its host may be on its way to another one for so long.
MOVING = timedelta(minutes=5)
# Its host is silent: whether anything is replicated is not known here.
HOST_SILENT = "host-silent"
# It is registered here, and its host knows nothing of it any more.
NOT_AT_HOST = "not-at-host"
_T = TypeVar("_T")
_MOMENTS = frozenset(
    {
        *("updated_at", "latest_at", "latest_app_at", "last_success_at", "next_try_at"),
        *("limit_until", "last_at", "next_at", "at", "since"),
    }
)


def read_settings(told: Mapping[str, Any]) -> ReplicationSettings | None:
    """None: of a version that this one does not understand."""
    return _read(told, ReplicationSettings)


def read_status(told: Mapping[str, Any] | None) -> ReplicationStatus | None:
    return None if told is None else _read(told, ReplicationStatus)


def by_our_clock(told: dict[str, Any], ahead: timedelta) -> dict[str, Any]:
    """The moments of a status, told by a clock that is so far ahead of the server's."""
    return {name: _shifted(name, value, ahead) for name, value in told.items()}


def judge(row: Replication, machine: Machine, now: datetime) -> None:
    """Write down what it is in now, how well it is, and why."""
    status = read_status(row.status)
    state, judged = _state(row, status, now), _judged(row, status, machine, now)
    if row.state != state:
        row.state, row.state_since = state.value, now
    health = judged.health if judged else Health.NORMAL
    if state is State.HOST_NOT_REGISTERED:
        health = Health.CRITICAL
    if row.health != health:
        row.health, row.health_since = health.value, now
    if judged is not None and status is not None and _codes(judged) != _codes(status):
        row.status = msgspec.to_builtins(judged)


def rpo_of(row: Replication, machine: Machine, now: datetime) -> float | None:
    """Seconds since the newest instant it could be started at: what a failover would lose now."""
    if row.latest_at is None:
        return None
    newest = row.latest_at
    if row.state == State.SYNCED and machine.last_seen_at is not None:
        # Off, and all of it is over there: so it was when its host was heard last.
        newest = max(newest, machine.last_seen_at)
    return max((now - newest).total_seconds(), 0.0)


def _state(row: Replication, status: ReplicationStatus | None, now: datetime) -> State:
    if row.missing_since is not None and now - row.missing_since >= MOVING:
        return State.HOST_NOT_REGISTERED
    if status is not None:
        return status.state
    return State(row.state) if row.told_at else State.READY_FOR_INITIAL_COPY


def _judged(
    row: Replication, status: ReplicationStatus | None, machine: Machine, now: datetime
) -> ReplicationStatus | None:
    if status is None or status.state in DONE:
        return status
    if machine.last_seen_at is not None and is_silent(machine, now):
        return _unheard(row, status, machine, now)
    settings = read_settings(row.settings)
    every = settings.every if settings else 0
    thresholds = settings.thresholds if settings else None
    kept = judgement(one for one in status.reasons if one.code != HOST_SILENT)
    known = msgspec.structs.replace(status, health=kept.health, reasons=kept.reasons)
    if not every:
        return known
    if row.told_at is None or not is_stale(status, row.told_at, thresholds):
        # When it was told, somebody was at work there; that its host tells seldom is no trouble.
        known = msgspec.structs.replace(known, updated_at=now)
    judged = as_of(known, now, every=every, thresholds=thresholds)
    return msgspec.structs.replace(judged, updated_at=status.updated_at)


def _unheard(
    row: Replication, status: ReplicationStatus, machine: Machine, now: datetime
) -> ReplicationStatus:
    """It may be well, and cut off from here alone; after some time nobody should trust that."""
    settings, behind = read_settings(row.settings), rpo_of(row, machine, now)
    limit = settings.thresholds.rpo_critical if settings else 0
    is_long = behind is None or (limit and behind > limit)
    since = machine.last_seen_at or now
    reason = Reason(
        code=HOST_SILENT,
        health=Health.CRITICAL if is_long else Health.WARNING,
        since=since,
        figures={"at": since.isoformat(), "host": machine.name},
    )
    kept = (one for one in status.reasons if one.code != HOST_SILENT)
    found = judgement((reason, *kept))
    return msgspec.structs.replace(status, health=found.health, reasons=found.reasons)


def _codes(status: ReplicationStatus) -> list[tuple[str, Health]]:
    return [(one.code, one.health) for one in status.reasons]


def _read(told: Mapping[str, Any], kind: type[_T]) -> _T | None:
    try:
        return msgspec.convert(told, kind)
    except (msgspec.ValidationError, ValueError):
        return None


def _shifted(name: str, value: Any, ahead: timedelta) -> Any:
    if isinstance(value, dict):
        return by_our_clock(value, ahead)
    if isinstance(value, list):
        return [by_our_clock(one, ahead) if isinstance(one, dict) else one for one in value]
    if name in _MOMENTS and isinstance(value, str):
        try:
            return (datetime.fromisoformat(value) - ahead).isoformat()
        except (ValueError, OverflowError):
            return value
    return value
