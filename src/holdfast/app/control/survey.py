"""One look over everything somebody may see: what is safe, what is not and why, what was shown.

The overview, the list behind its figures and the problems are parts of the same look, so that no
figure says one thing and the list behind it another. It speaks no language yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control.access import readable_vaults
from holdfast.app.control.kept import Kept
from holdfast.app.control.needs import Need, needs_of
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.problem_grouping import Group, grouped
from holdfast.app.control.proofs import KINDS, Proofs, proofs_of
from holdfast.app.control.replication_causes import causes_of
from holdfast.app.control.sightings import SEEN_OTHERWISE, sightings_of
from holdfast.app.control.subjects import Rows, Subject, subjects_of
from holdfast.catalog import overview as rows
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.overview import MachineRow
from holdfast.catalog.recoveries import Known
from holdfast.catalog.replications import Filter, Replicated
from holdfast.fleet.jobs import Kind

# What was shown longer ago than this shows little of how things are now.
PROVEN_FOR = timedelta(days=90)
_DAY = timedelta(days=1)
_Scope = frozenset[str] | None


# Each look is itself alone, so that what is reckoned from it can be kept as long as it is.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Survey:
    at: datetime
    # Names by id.
    vaults: Mapping[str, str]
    subjects: Sequence[Subject]
    problems: Sequence[Group]
    needs: Sequence[Need]
    proofs: Proofs
    machines: Sequence[MachineRow]
    ways: Sequence[Replicated]
    # Of the last 24 hours, by kind and state.
    jobs: Mapping[tuple[str, str], int]


_kept: Kept[Survey] = Kept()


def survey(plane: Plane, actor: Actor) -> Survey:
    """At most two seconds old, whatever the number of those who ask."""
    with plane.database.read() as db:
        scope = readable_vaults(db, actor)
    return _kept.get(plane, scope, lambda: _look(plane, scope))


def _look(plane: Plane, scope: _Scope) -> Survey:
    now = plane.clock.now()
    with plane.database.read() as db:
        machines = rows.machines(db, scope, since=now - _DAY)
        ways = replication_rows.listed(db, Filter(), vaults=scope)
        alerts = rows.open_alerts(db, scope, without=SEEN_OTHERWISE)
        known = recovery_rows.listed(db, vaults=scope, at_work_only=True)
        vms = rows.vms(db, scope)
        proofs = _proofs(db, scope, now, among={one.id for one in machines})
        read = Rows(
            machines=machines,
            vms=vms,
            assigned=rows.assigned_vms(db, scope),
            ways=ways,
            alerts=alerts,
            proofs=proofs,
        )
        causes = causes_of(_of_good_hosts(db, ways), now)
        return Survey(
            at=now,
            vaults=rows.vaults_of(db, scope),
            subjects=subjects_of(read, now),
            problems=grouped(sightings_of(machines, vms, alerts, causes, now=now)),
            needs=_needs(db, scope, known, ways, now),
            proofs=proofs,
            machines=machines,
            ways=ways,
            jobs=rows.jobs_since(db, scope, now - _DAY),
        )


def _proofs(db: Session, scope: _Scope, now: datetime, *, among: set[str]) -> Proofs:
    found = rows.proofs(db, scope, kinds=KINDS, since=now - PROVEN_FOR)
    hosts = ((host, machine) for host, machine in recovery_rows.hosts(db) if machine.id in among)
    return proofs_of(found, rows.clean_scrubs(db, scope), hosts)


def _of_good_hosts(db: Session, ways: Sequence[Replicated]) -> Iterable[Replicated]:
    """Whoever was let go has nothing to mend."""
    good = replication_rows.good_writers(db, {way.machine.id for way in ways})
    return [way for way in ways if way.machine.id in good]


def _needs(
    db: Session, scope: _Scope, known: Sequence[Known], ways: Sequence[Replicated], now: datetime
) -> list[Need]:
    return needs_of(
        approvals=rows.approvals_waiting(db, scope, now),
        runs=rows.open_plan_runs(db, scope, Kind.RECOVERY_PLAN.value),
        known=known,
        ways=ways,
        now=now,
    )
