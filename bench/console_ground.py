"""A large fleet in a server's state: machines, points, virtual machines with replicas, jobs, alerts."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, text, update

from holdfast.base.clock import SystemClock
from holdfast.catalog.database import Database
from holdfast.catalog.tables import (
    Alert,
    Assignment,
    Certificate,
    Job,
    Machine,
    Point,
    Policy,
    Replication,
    Site,
    Table,
    Vault,
    Vm,
)
from holdfast.fleet.policies import policy_body, propose

_HOSTS, _AT_ONCE = 20, 1000
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# They are heard of for as long as is measured.
_HEARD = _DAY
# One in so many is silent, without a policy, or has a failed backup.
_SILENT, _BARE, _FAILED = 100, 50, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    machines: int = 5000
    points: int = 50_000
    vms: int = 200
    jobs: int = 30_000
    vaults: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    vaults: list[str]
    machines: list[str]
    vms: list[str]


def fill(database: Database, size: Size) -> Fleet:
    now = SystemClock().now()
    fleet = Fleet(
        vaults=[secrets.token_hex(8) for _ in range(size.vaults)],
        machines=[secrets.token_hex(8) for _ in range(size.machines)],
        vms=[secrets.token_hex(16) for _ in range(size.vms)],
    )
    for table, rows in (
        (Vault, _vaults(fleet, now)),
        (Machine, _machines(fleet, now)),
        (Certificate, _certificates(fleet, now)),
        (Policy, _policies(fleet, now)),
        (Assignment, _assignments(fleet, now)),
        (Point, _points(fleet, size.points, now)),
        (Job, _jobs(fleet, size.jobs, now)),
        (Alert, _alerts(fleet, now)),
        (Site, _sites(fleet, now)),
        (Vm, _vms(fleet, now)),
        (Replication, _replications(fleet, now)),
    ):
        _insert(database, table, rows)
    if not database.is_sqlite:
        # So much at once is looked at by the database itself, only some seconds later.
        with database.write() as db:
            db.execute(text("ANALYZE"))
    return fleet


def silence(database: Database, fleet: Fleet) -> None:
    """No machine is heard of any more, as when the server's own network is gone; each has its alert."""
    now = SystemClock().now()
    with database.write() as db:
        db.execute(update(Machine).values(last_seen_at=now - _HOUR))
    _insert(database, Alert, _alerts_of_silence(fleet, now))


def _insert(database: Database, table: type[Table], rows: Iterator[dict[str, Any]]) -> None:
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _AT_ONCE:
            _write(database, table, waiting)
            waiting = []
    if waiting:
        _write(database, table, waiting)


def _write(database: Database, table: type[Table], rows: list[dict[str, Any]]) -> None:
    with database.write() as db:
        db.execute(insert(table), rows)


def _vault_of(fleet: Fleet, number: int) -> str:
    return fleet.vaults[number % len(fleet.vaults)]


def _host_of(fleet: Fleet, number: int) -> str:
    return fleet.machines[number % _HOSTS]


def _vaults(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(fleet.vaults):
        place = f"/srv/vaults/{number}"
        yield {"id": one, "name": f"vault-{number:03}", "location": place, "created_at": now}


def _machines(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(fleet.machines):
        is_silent = number % _SILENT == _SILENT // 2 + 1
        yield {
            "id": one,
            "vault_id": _vault_of(fleet, number),
            "name": f"machine-{number:05}",
            "registered_at": now - 30 * _DAY,
            "last_seen_at": now - _HOUR if is_silent else now + _HEARD,
            "facts": {"kernel": "6.18", "memory": 8 << 30, "disk_free": 100 << 30},
            "bytes_stored": 10 << 30,
            "key_fingerprint": one,
        }


def _certificates(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    for one in fleet.machines:
        yield {
            "fingerprint": secrets.token_hex(32),
            "machine_id": one,
            "issued_at": now,
            "expires_at": now + 90 * _DAY,
        }


def _policies(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    body = policy_body(propose(zone="UTC"))
    for one in fleet.vaults:
        yield {"id": f"p-{one}", "vault_id": one, "name": "daily", "body": body, "changed_at": now}


def _assignments(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(fleet.machines):
        if number % _BARE == _BARE - 1:
            continue
        yield {
            "id": f"a-{one}",
            "machine_id": one,
            "policy_id": f"p-{_vault_of(fleet, number)}",
            "paths": ["/etc", "/home", "/srv"],
            "vms": ["*"] if number < _HOSTS else [],
            "options": {},
            "created_at": now - 30 * _DAY,
        }


def _points(fleet: Fleet, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    each = max(1, count // len(fleet.machines))
    for number in range(count):
        at, age = divmod(number, each)
        if at >= len(fleet.machines) or at % _BARE == _BARE - 1:
            continue
        yield {
            "machine_id": fleet.machines[at],
            "id": secrets.token_hex(32),
            "taken_at": now - age * _DAY - _HOUR,
            "host": f"machine-{at:05}",
            "paths": ["/etc", "/home", "/srv"],
            "tags": ["daily"],
            "bytes_total": 10 << 30,
            "bytes_added": 50 << 20,
        }


def _jobs(fleet: Fleet, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    kinds = ("backup", "backup", "backup", "retain", "check", "restore")
    for number in range(count):
        at = number % len(fleet.machines)
        kind = kinds[number // len(fleet.machines) % len(kinds)]
        when = now - (number // len(fleet.machines)) * _DAY - (number % 1440) * _MINUTE
        yield {
            "id": secrets.token_hex(8),
            "vault_id": _vault_of(fleet, at),
            "machine_id": fleet.machines[at],
            "kind": kind,
            "origin": "schedule",
            "source": "/etc /home /srv",
            "state": "failed" if number % _FAILED == 0 else "done",
            "arguments": {"read_data": "10%"} if kind == "check" else {},
            "created_at": when,
            "started_at": when,
            "ended_at": when + _MINUTE,
            "progress": {"files_done": 1000, "bytes_done": 50 << 20},
            "result": {"skipped": 0},
        }


def _alerts(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(fleet.machines):
        if number % _FAILED:
            continue
        told = {"machine": f"machine-{number:05}", "source": "/etc /home /srv"}
        why = {"error": "storage-full", "reason": "no room is left", "remedy": "Make room."}
        yield {
            "id": secrets.token_hex(8),
            "key": f"backup-failed|{one}",
            "kind": "backup-failed",
            "severity": "error",
            "vault_id": _vault_of(fleet, number),
            "machine_id": one,
            "fields": told | why,
            "first_at": now - _HOUR,
            "last_at": now,
            "sent_to": [],
        }


def _alerts_of_silence(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    since = (now - _HOUR).isoformat()
    for number, one in enumerate(fleet.machines):
        yield {
            "id": secrets.token_hex(8),
            "key": f"machine-silent|{one}",
            "kind": "machine-silent",
            "severity": "error",
            "vault_id": _vault_of(fleet, number),
            "machine_id": one,
            "fields": {"machine": f"machine-{number:05}", "since": since},
            "first_at": now - _HOUR,
            "last_at": now,
            "sent_to": [],
        }


def _sites(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    yield {
        "id": "site",
        "name": "berlin",
        "machine_id": fleet.machines[_HOSTS],
        "folder": "/srv/replicas",
        "host": "",
        "port": 8444,
        "created_at": now,
        "created_by": "bench",
    }


def _vms(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(fleet.vms):
        facts = {"state": "running", "protectable": "whole", "consistency": "crash"}
        yield {
            "machine_id": _host_of(fleet, number),
            "uuid": one,
            "name": f"vm-{number:04}",
            "facts": {**facts, "remarks": [], "point_at": (now - _HOUR).isoformat()},
            "told_at": now,
        }


def _replications(fleet: Fleet, now: datetime) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(fleet.vms):
        name, is_ill = f"vm-{number:04}", number % 4 == 0
        health = "critical" if is_ill else "normal"
        reason = {
            "code": "failing",
            "health": "critical",
            "since": (now - _HOUR).isoformat(),
            "figures": {"failures": "5", "sentence": "the site does not answer"},
        }
        yield {
            "id": f"r-{number:04}",
            "site_id": "site",
            "vm": one,
            "name": name,
            "machine_id": _host_of(fleet, number),
            "settings": {},
            "status": {
                "vm": one,
                "name": name,
                "site": "berlin",
                "state": "replicating",
                "health": health,
                "reasons": [reason] if is_ill else [],
                "error_code": "site-unreachable" if is_ill else "",
                "updated_at": now.isoformat(),
                "queue_bytes": 1 << 20,
            },
            "state": "replicating",
            "state_since": now,
            "health": health,
            "health_since": now,
            "latest_at": now - (_HOUR if is_ill else _MINUTE),
            "created_at": now - 30 * _DAY,
            "told_at": now,
        }
