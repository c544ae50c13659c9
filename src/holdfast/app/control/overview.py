"""Am I safe? The whole of it in figures."""

from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from holdfast.app.control import needs, problems
from holdfast.app.control.overview_views import (
    Answer,
    DayView,
    NeedView,
    OverviewView,
    ProofView,
    ReplicationCount,
    SafetyCount,
    WorstView,
)
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.proofs import By, Proof
from holdfast.app.control.replication_judging import rpo_of
from holdfast.app.control.safety import Safety
from holdfast.app.control.safety_views import is_kept, unproven
from holdfast.app.control.subjects import MACHINE, VM
from holdfast.app.control.survey import PROVEN_FOR, Survey, survey
from holdfast.catalog.replications import Replicated
from holdfast.fleet.alerts import Severity
from holdfast.replication.status import State

_MOST_PROBLEMS = 8
# A machine that was failed over has no newer points, and none are to come.
_NOT_BEHIND = frozenset((State.FAILED_OVER, State.FAILOVER_WAITING, State.OFF))
# States of jobs that a figure counts together.
WELL, ILL, UNDERWAY = ("done", "warnings"), ("failed", "lost"), ("waiting", "running")


# Of each look, what is the same in every language.
_figures: WeakKeyDictionary[Survey, OverviewView] = WeakKeyDictionary()


def show_overview(plane: Plane, actor: Actor) -> OverviewView:
    """Of all that the caller may look into; at most two seconds old."""
    found = survey(plane, actor)
    figures = _figures.get(found)
    if figures is None:
        figures = _figures[found] = _view(found)
    return replace(
        figures,
        problems=[problems.view_of(one) for one in found.problems[:_MOST_PROBLEMS]],
        needs=[_need(one) for one in found.needs],
    )


def _view(found: Survey) -> OverviewView:
    machines, vms = _count(found, MACHINE), _count(found, VM)
    return OverviewView(
        at=found.at,
        answer=_answer(machines, vms).value,
        machines=machines,
        vms=vms,
        hosts=sum(one.safety is Safety.HOST for one in found.subjects),
        proofs=_proofs(found),
        proven_within_days=PROVEN_FOR.days,
        worst_rpo=_worst_rpo(found),
        worst_backup=_worst_backup(found),
        replications=_replications(found.ways),
        problems_by_severity=_by_severity(found),
        problems=[],
        needs=[],
        day=_day(found),
        points=sum(one.points for one in found.machines),
        bytes_stored=sum(one.bytes_stored for one in found.machines),
        vaults=len(found.vaults),
    )


def _count(found: Survey, kind: str) -> SafetyCount:
    some = [one for one in found.subjects if one.kind == kind and one.safety is not Safety.HOST]
    by = [one.safety for one in some]
    promised = len(unproven(found, some))
    return SafetyCount(
        total=len(some),
        protected=by.count(Safety.PROTECTED),
        at_risk=by.count(Safety.AT_RISK),
        unprotected=by.count(Safety.UNPROTECTED),
        proven=sum(map(is_kept, some)) - promised,
        unproven=promised,
    )


def _answer(*counts: SafetyCount) -> Answer:
    if not any(one.total for one in counts):
        return Answer.EMPTY
    if any(one.unprotected for one in counts):
        return Answer.UNPROTECTED
    if any(one.at_risk for one in counts):
        return Answer.AT_RISK
    return Answer.UNPROVEN if any(one.unproven for one in counts) else Answer.SAFE


def _proofs(found: Survey) -> list[ProofView]:
    names = {one.id: one.name for one in found.machines}
    newest = (found.proofs.newest(by) for by in By)
    return [_proof(one, names.get(one.machine_id, "")) for one in newest if one is not None]


def _proof(one: Proof, machine: str) -> ProofView:
    return ProofView(
        by=one.by.value,
        at=one.at,
        machine_id=one.machine_id,
        about=one.about or machine,
        job_id=one.job_id,
    )


def _worst_rpo(found: Survey) -> WorstView | None:
    behind = [
        (rpo, way)
        for way in found.ways
        if way.row.state not in _NOT_BEHIND
        and (rpo := rpo_of(way.row, way.machine, found.at)) is not None
    ]
    if not behind:
        return None
    seconds, way = max(behind, key=lambda one: (one[0], one[1].row.id))
    return WorstView(
        id=way.row.id,
        name=way.row.name,
        at=way.row.latest_at or found.at,
        seconds=seconds,
        site=way.site.name,
        health=way.row.health,
    )


def _worst_backup(found: Survey) -> WorstView | None:
    """Among what a policy or somebody's own schedule backs up."""
    kept = (Safety.PROTECTED, Safety.AT_RISK)
    dated = [
        (one.point_at, one)
        for one in found.subjects
        if one.kind == MACHINE and one.safety in kept and one.point_at is not None
    ]
    if not dated:
        return None
    at, one = min(dated, key=lambda pair: (pair[0], pair[1].id))
    seconds = max((found.at - at).total_seconds(), 0.0)
    return WorstView(id=one.id, name=one.name, at=at, seconds=seconds)


def _replications(ways: Sequence[Replicated]) -> ReplicationCount:
    by = [way.row.health for way in ways]
    return ReplicationCount(
        total=len(by),
        normal=by.count("normal"),
        warning=by.count("warning"),
        critical=by.count("critical"),
    )


def _by_severity(found: Survey) -> dict[str, int]:
    """The gravest first; those there are none of are named as well."""
    by = [one.severity for one in found.problems]
    return {severity.label: by.count(severity) for severity in sorted(Severity, reverse=True)}


def _need(need: needs.Need) -> NeedView:
    return NeedView(
        asks=need.asks.value,
        since=need.since,
        sentence=needs.sentence(need),
        objects=list(need.objects),
    )


def _day(found: Survey) -> DayView:
    def jobs(states: tuple[str, ...], kind: str | None = None) -> int:
        return sum(
            count
            for (of, state), count in found.jobs.items()
            if state in states and kind in (None, of)
        )

    return DayView(
        well=jobs(WELL),
        failed=jobs(ILL),
        underway=jobs(UNDERWAY),
        backups=jobs(WELL, "backup"),
        restores=jobs(WELL, "restore"),
        points=sum(one.points_since for one in found.machines),
        bytes_added=sum(one.bytes_since for one in found.machines),
    )
