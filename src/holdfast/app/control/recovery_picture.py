"""Where a machine is on its way to another host and back, put together from what all hosts told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from holdfast.catalog.recoveries import Known
from holdfast.catalog.replications import Replicated
from holdfast.catalog.tables import Machine, Recovery, Site
from holdfast.fleet.jobs import Kind
from holdfast.recovery.desk import SPLIT_BRAIN
from holdfast.recovery.record import ON_ITS_WAY_BACK, RecoveryRecord, Stage, StepState

# Afterwards somebody has said which of the two is right.
_MAY_BE_SPLIT = frozenset((Stage.FAILED_OVER, Stage.COMMITTED, Stage.REPROTECTING))
# It was failed over, and a plan that would do so has nothing to do with it.
_THERE = frozenset((Stage.FAILED_OVER, Stage.COMMITTED, Stage.REPROTECTING, Stage.MIGRATED))
_TO_THE_OTHER = frozenset(
    (
        *(Kind.TEST_FAILOVER, Kind.CLEAN_UP_TEST, Kind.DRILL, Kind.SCHEDULE_DRILL),
        *(Kind.PLANNED_FAILOVER, Kind.UNPLANNED_FAILOVER, Kind.FAIL_BACK),
    )
)
_TRIALS = frozenset((Kind.TEST_FAILOVER, Kind.CLEAN_UP_TEST, Kind.DRILL, Kind.SCHEDULE_DRILL))
_BEGUN = frozenset((Stage.FAILING_OVER, Stage.FAILED_OVER, Stage.UNDOING, Stage.FAILING_BACK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One machine: the records of its hosts, the greatest epoch first, and where it is replicated."""

    vm: str
    name: str
    known: tuple[Known, ...] = ()
    ways: tuple[Replicated, ...] = ()

    @property
    def newest(self) -> Recovery | None:
        """Of the same epoch that counts which is further on its way."""
        if not self.known:
            return None
        return max((one.row for one in self.known), key=_weight)

    @property
    def stage(self) -> str:
        return self.newest.stage if self.newest else Stage.PROTECTED.value

    @property
    def epoch(self) -> int:
        return self.newest.epoch if self.newest else 0

    @property
    def runs_at(self) -> str:
        """The id of the host that may run it, as far as it is known."""
        if self.newest is not None and self.newest.runs_at:
            return self.newest.runs_at
        return self.ways[0].machine.id if self.ways else ""

    @property
    def machines(self) -> Mapping[str, Machine]:
        """All that have to do with it, by their ids."""
        found = {one.machine.id: one.machine for one in self.known}
        for way in self.ways:
            found |= {way.machine.id: way.machine, way.keeper.id: way.keeper}
        return found

    @property
    def is_split(self) -> bool:
        seen = (one.row for one in self.known if one.row.epoch == self.epoch)
        return self.stage in _MAY_BE_SPLIT and any(is_split(row.record) for row in seen)

    @property
    def is_there(self) -> bool:
        """It runs at the host it was failed over to; one that two hosts run is no such thing."""
        return self.stage in _THERE and self.runs_at in self.machines and not self.is_split

    @property
    def is_on_its_way_back(self) -> bool:
        return self.stage in ON_ITS_WAY_BACK

    @property
    def is_home(self) -> bool:
        """It never left, or has come back; the host it was failed over to knows what it made."""
        if self.stage == Stage.PROTECTED:
            return self.runs_at in self.machines
        here = next((one.row for one in self.known if one.machine.id == self.runs_at), None)
        return self.is_there and here is not None and not here.record.get("promoted")

    def hosts_for(self, kind: Kind) -> list[Machine]:
        """Which hosts could do that; an act under way is gone on with where it was begun."""
        begun = [one.machine for one in self.known if _is_begun(one.row)]
        if kind not in _TRIALS and begun:
            return begun
        if kind is Kind.UNDO_FAILOVER:
            return [one.machine for one in self.known if one.row.stage in _BEGUN]
        if kind in _TO_THE_OTHER:
            return _unique(way.keeper for way in self.ways if self._leads_away(way))
        return [machine for machine in self.machines.values() if machine.id == self.runs_at]

    def _leads_away(self, way: Replicated) -> bool:
        return way.machine.id == self.runs_at and way.keeper.id != self.runs_at


def pictures(known: Iterable[Known], ways: Iterable[Replicated]) -> list[Picture]:
    """One for each machine, sorted by name."""
    names: dict[str, str] = {}
    of_hosts: dict[str, list[Known]] = {}
    to_sites: dict[str, list[Replicated]] = {}
    for way in ways:
        names[way.row.vm] = way.row.name
        to_sites.setdefault(way.row.vm, []).append(way)
    for one in known:
        names[one.row.vm] = one.row.name
        of_hosts.setdefault(one.row.vm, []).append(one)
    found = [
        Picture(
            vm=vm,
            name=name,
            known=tuple(of_hosts.get(vm, ())),
            ways=tuple(to_sites.get(vm, ())),
        )
        for vm, name in names.items()
    ]
    return sorted(found, key=lambda one: (one.name, one.vm))


def read_record(told: Mapping[str, Any]) -> RecoveryRecord | None:
    """None: of a version that this one does not understand."""
    try:
        return msgspec.convert(told, RecoveryRecord)
    except (msgspec.ValidationError, ValueError):
        return None


def is_split(told: Mapping[str, Any]) -> bool:
    """Whether it was seen running on both hosts by the epoch that holds now."""
    epoch = told.get("epoch", 0)
    return any(
        event.get("what") == SPLIT_BRAIN and (event.get("figures") or {}).get("epoch") == epoch
        for event in told.get("events", ())
    )


def failed_step(record: RecoveryRecord) -> tuple[str, str, str] | None:
    """Name, code and sentence of the step at which the act under way stands still."""
    steps = record.act.steps if record.act else ()
    if not steps or steps[-1].state is not StepState.FAILED:
        return None
    return steps[-1].name, steps[-1].error, steps[-1].said


def is_elsewhere(known: Iterable[Known], source: str, site: Site) -> bool:
    """Whether a machine left its source by a failover, and not because somebody moved it."""
    for row, _machine in known:
        is_underway = row.machine_id == site.machine_id and _is_begun(row)
        if is_underway or row.runs_at not in ("", source):
            return True
    return False


def _weight(row: Recovery) -> tuple[int, bool, bool]:
    is_its_host = row.machine_id == row.runs_at
    return row.epoch, is_its_host, row.stage != Stage.PROTECTED


def _is_begun(row: Recovery) -> bool:
    """Whether that host is amid something that changes where the machine runs."""
    act = row.record.get("act") or {}
    return bool(act) and act.get("kind") != "test"


def _unique(machines: Iterable[Machine]) -> list[Machine]:
    return list({one.id: one for one in machines}.values())
