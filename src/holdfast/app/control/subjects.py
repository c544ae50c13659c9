"""Every machine and virtual machine with how safe it is: rows put together and judged."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control.proofs import Proof, Proofs
from holdfast.app.control.replication_judging import rpo_of
from holdfast.app.control.safety import (
    BackupFacts,
    Safety,
    Verdict,
    WayFacts,
    Why,
    judge_machine,
    judge_vm,
)
from holdfast.catalog.overview import AlertRow, AssignedVms, MachineRow, VmRow
from holdfast.catalog.replications import Replicated
from holdfast.fleet.virtual_machines import ALL, is_of_vm, source_of_vm

MACHINE, VM = "machine", "vm"
_SPLIT, _DAMAGE, _FAILED = "split-brain", "damage-found", "backup-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What may be lost, and would have to come back."""

    kind: str
    # Of a machine its id, of a virtual machine its UUID.
    id: str
    name: str
    vault_id: str
    # The host of a virtual machine; of a machine it is itself.
    machine_id: str
    machine: str
    safety: Safety
    reasons: tuple[Why, ...]
    # The newest recovery point in the vault.
    point_at: datetime | None
    # Where it is replicated, and what a failover would lose now.
    sites: tuple[str, ...]
    rpo_seconds: float | None
    # When it was last shown to come back, and by what.
    proof: Proof | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What was read of all of them."""

    machines: Sequence[MachineRow]
    vms: Sequence[VmRow]
    assigned: Sequence[AssignedVms]
    ways: Sequence[Replicated]
    alerts: Sequence[AlertRow]
    proofs: Proofs


def subjects_of(rows: Rows, now: datetime) -> list[Subject]:
    """Sorted by name; a virtual machine is there once, whatever the number of its hosts."""
    seen = _Seen(rows)
    machines = {one.id: one for one in rows.machines}
    found = [_machine(one, seen, rows.proofs, now) for one in rows.machines]
    for vm in _unique(rows.vms, rows.ways):
        host = machines.get(vm.machine_id)
        if host is not None:
            found.append(_vm(vm, host, seen, rows.proofs, now))
    return sorted(found, key=lambda one: (one.name, one.kind, one.id))


class _Seen:
    """The same rows, by what they are about."""

    def __init__(self, rows: Rows) -> None:
        self.ways: Mapping[str, list[Replicated]] = defaultdict(list)
        for way in rows.ways:
            self.ways[way.row.vm].append(way)
        self.assigned: Mapping[str, list[AssignedVms]] = defaultdict(list)
        for one in rows.assigned:
            self.assigned[one.machine_id].append(one)
        self.damaged = {one.machine_id for one in rows.alerts if one.kind == _DAMAGE}
        self.split = {one.fields.get("root", "") for one in rows.alerts if one.kind == _SPLIT}
        failed = [one for one in rows.alerts if one.kind == _FAILED]
        self.failed = {(one.machine_id, str(one.fields.get("source", ""))) for one in failed}
        # The backup of one virtual machine says nothing about the files of its host.
        self.failed_hosts = {at for at, source in self.failed if not is_of_vm(source)}


def _machine(row: MachineRow, seen: _Seen, proofs: Proofs, now: datetime) -> Subject:
    backups = BackupFacts(
        newest_point=row.newest_point,
        assigned_since=row.assigned_since,
        is_paused=row.assignments > 0 and row.assigned_since is None,
        within=_within(row),
        is_damaged=row.id in seen.damaged,
        has_failed=row.id in seen.failed_hosts,
    )
    is_host = row.keeps_site or row.replicates
    found = judge_machine(backups, heard_at=row.seen_at, is_host=is_host, now=now)
    return Subject(
        kind=MACHINE,
        id=row.id,
        name=row.name,
        vault_id=row.vault_id,
        machine_id=row.id,
        machine=row.name,
        safety=found.safety,
        reasons=found.reasons,
        point_at=row.newest_point,
        sites=(),
        rpo_seconds=None,
        proof=proofs.of_machine(row.id),
    )


def _vm(row: VmRow, host: MachineRow, seen: _Seen, proofs: Proofs, now: datetime) -> Subject:
    ways = seen.ways.get(row.uuid, [])
    point_at = _moment(row.facts.get("point_at"))
    found = _verdict_of_vm(row, host, seen, point_at, now)
    behind = [rpo for way in ways if (rpo := rpo_of(way.row, way.machine, now)) is not None]
    return Subject(
        kind=VM,
        id=row.uuid,
        name=row.name,
        vault_id=host.vault_id,
        machine_id=host.id,
        machine=host.name,
        safety=found.safety,
        reasons=found.reasons,
        point_at=point_at,
        sites=tuple(way.site.name for way in ways),
        rpo_seconds=min(behind, default=None),
        proof=proofs.of_vm(host.id, row.uuid, row.name),
    )


def _verdict_of_vm(
    row: VmRow, host: MachineRow, seen: _Seen, point_at: datetime | None, now: datetime
) -> Verdict:
    mine = [one for one in seen.assigned.get(host.id, ()) if {row.name, ALL} & set(one.vms)]
    held = [one.created_at for one in mine if not one.is_paused]
    backups = BackupFacts(
        newest_point=point_at,
        assigned_since=min(held, default=None),
        is_paused=bool(mine) and not held,
        within=_within(host),
        is_damaged=host.id in seen.damaged,
        has_failed=(host.id, source_of_vm(row.name)) in seen.failed,
    )
    ways = tuple(
        WayFacts(state=way.row.state, health=way.row.health) for way in seen.ways.get(row.uuid, ())
    )
    return judge_vm(
        backups,
        ways,
        heard_at=host.seen_at,
        is_split=row.uuid in seen.split,
        is_tracked=row.facts.get("protected_since") is not None,
        now=now,
    )


def _unique(vms: Iterable[VmRow], ways: Iterable[Replicated]) -> list[VmRow]:
    """Where it is replicated from is where it is; else where it was told of last."""
    sources = {(way.row.vm, way.row.machine_id) for way in ways}
    found: dict[str, VmRow] = {}
    for vm in vms:
        if vm.uuid not in found or (vm.uuid, vm.machine_id) in sources:
            found[vm.uuid] = vm
    names = {way.row.vm: way for way in ways}
    for uuid, way in names.items():
        if uuid not in found:
            found[uuid] = _told_of(way)
    return list(found.values())


def _told_of(way: Replicated) -> VmRow:
    """One that its host does not tell of any more, and that has a replica."""
    return VmRow(
        uuid=way.row.vm,
        name=way.row.name,
        machine_id=way.row.machine_id,
        facts={},
        told_at=way.row.created_at,
    )


def _within(row: MachineRow) -> timedelta | None:
    return timedelta(days=row.within_days) if row.within_days else None


def _moment(told: Any) -> datetime | None:
    if not isinstance(told, str):
        return None
    try:
        return datetime.fromisoformat(told)
    except ValueError:
        return None
