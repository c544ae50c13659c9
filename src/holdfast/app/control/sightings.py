"""What is seen to be wrong, put into one form whoever saw it: alerts, replications, silence."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from holdfast.app.control.machine_views import SILENT_AFTER
from holdfast.app.control.problem_grouping import REPLICATION, SILENT, Ref, Sighting
from holdfast.app.control.replication_causes import Cause
from holdfast.catalog.overview import AlertRow, MachineRow, VmRow
from holdfast.catalog.tables import Alert
from holdfast.fleet.alerts import KINDS, Severity
from holdfast.fleet.local_time import in_utc
from holdfast.fleet.virtual_machines import is_of_vm, source_of_vm
from holdfast.replication.status import Health

_OF_REPLICATION = frozenset(("replication-warning", "replication-critical"))
# Of these the rows themselves say more, and sooner.
SEEN_OTHERWISE = _OF_REPLICATION | {SILENT}
_VM = source_of_vm("")


def sightings_of(
    machines: Sequence[MachineRow],
    vms: Iterable[VmRow],
    alerts: Iterable[AlertRow],
    causes: Iterable[Cause],
    *,
    now: datetime,
) -> list[Sighting]:
    known = {one.id: Ref(id=one.id, name=one.name) for one in machines}
    hosted: dict[str, list[Ref]] = defaultdict(list)
    for vm in vms:
        hosted[vm.machine_id].append(Ref(id=vm.uuid, name=vm.name))
    return [
        *(_silence(one, hosted) for one in machines if _is_silent(one, now)),
        *(
            _alert(one, known, hosted)
            for one in alerts
            if one.kind in KINDS and one.kind not in SEEN_OTHERWISE
        ),
        *(_cause(one, known) for one in causes),
    ]


def sightings_of_alerts(
    alerts: Iterable[Alert | AlertRow], keepers: Mapping[str, str]
) -> list[Sighting]:
    """Alerts alone, for whoever is told of them; `keepers`: the machines that keep the sites."""
    return [_told(_alert(one, {}, {}), keepers) for one in alerts if one.kind in KINDS]


def _told(one: Sighting, keepers: Mapping[str, str]) -> Sighting:
    """As the rows would show it that the console looks at."""
    if one.kind == SILENT:
        return replace(one, since=_moment(one.fields.get("since", "")) or one.since)
    if one.kind in _OF_REPLICATION:
        root = one.fields.get("root", "")
        keeper = keepers.get(root.removeprefix("site:"), "")
        code = one.fields.get("code", "")
        return replace(one, kind=REPLICATION, code=code, root=root, keeper=keeper)
    return one


def _moment(text: str) -> datetime | None:
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def _is_silent(row: MachineRow, now: datetime) -> bool:
    return now - (row.seen_at or row.registered_at) > SILENT_AFTER


def _silence(row: MachineRow, hosted: Mapping[str, list[Ref]]) -> Sighting:
    """With all that runs there: of that nothing is known either."""
    return Sighting(
        kind=SILENT,
        severity=KINDS[SILENT].severity,
        since=row.seen_at or row.registered_at,
        vault_id=row.vault_id,
        machine=Ref(id=row.id, name=row.name),
        vms=tuple(hosted.get(row.id, ())),
        fields={},
    )


def _alert(
    row: Alert | AlertRow, known: Mapping[str, Ref], hosted: Mapping[str, list[Ref]]
) -> Sighting:
    fields = {name: str(value) for name, value in row.fields.items()}
    name = fields.get("machine") or row.machine_id or ""
    machine = known.get(row.machine_id) if row.machine_id else None
    if machine is None and row.machine_id:
        machine = Ref(id=row.machine_id, name=name)
    return Sighting(
        kind=row.kind,
        severity=Severity.named(row.severity),
        since=row.first_at,
        vault_id=row.vault_id or "",
        code=fields.get("error", ""),
        machine=machine,
        vms=_vms_of(fields, hosted.get(row.machine_id or "", ())),
        alert_id=row.id,
        fields=fields,
    )


def _vms_of(fields: Mapping[str, str], hosted: Iterable[Ref]) -> tuple[Ref, ...]:
    """The virtual machine that an alert is about, by the name it says."""
    source = fields.get("source", "")
    name = source.removeprefix(_VM) if is_of_vm(source) else fields.get("vm", "")
    if not name:
        return ()
    found = tuple(one for one in hosted if one.name == name)
    return found or (Ref(id=fields.get("root") or name, name=name),)


def _cause(cause: Cause, known: Mapping[str, Ref]) -> Sighting:
    first = cause.members[0]
    severity = Severity.CRITICAL if cause.health is Health.CRITICAL else Severity.WARNING
    members = {one.row.vm: Ref(id=one.row.vm, name=one.row.name) for one in cause.members}
    figures = {f"figure-{name}": value for name, value in cause.reason.figures.items()}
    return Sighting(
        kind=REPLICATION,
        severity=severity,
        since=cause.reason.since,
        vault_id=cause.vault_id,
        code=cause.reason.code,
        machine=known.get(cause.machine_id) if cause.machine_id else None,
        vms=tuple(members.values()),
        root=cause.root,
        keeper=first.keeper.id,
        fields={"site": first.site.name, **figures},
    )
