"""How the last seven days went, and how things stand: what went well, too, and what is unproven."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control.alert_texts import sentence_of
from holdfast.app.control.drills import DrillView, list_drills
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.problem_grouping import Group
from holdfast.app.control.problem_texts import affected, remedy, sentence
from holdfast.app.control.replication_views import view_of
from holdfast.app.control.reports.capacity import Capacity, Outlook, forecast, vaults_asked
from holdfast.app.control.reports.causes import CauseView, Failure, grouped
from holdfast.app.control.reports.week import (
    ActLine,
    DrillWeek,
    Grower,
    ProblemLine,
    ProofWeek,
    ReplicationWeek,
    SafetyWeek,
    ThingView,
    Verdict,
    Weekly,
    WorkWeek,
)
from holdfast.app.control.retelling import retold
from holdfast.app.control.safety import Safety
from holdfast.app.control.safety_views import is_kept, unproven
from holdfast.app.control.subjects import Subject
from holdfast.app.control.survey import PROVEN_FOR, Survey, survey
from holdfast.app.control.vault_rows import live_vault
from holdfast.catalog import replications as replication_rows
from holdfast.catalog import weeks
from holdfast.catalog.database import Session
from holdfast.catalog.replications import Filter
from holdfast.catalog.weeks import Behind, Place, Span, Vaults
from holdfast.fleet.alerts import KINDS, Severity
from holdfast.fleet.jobs import Kind

WEEK = timedelta(days=7)
_MOST_THINGS = 20
_MOST_GROWERS = 10
_MOST_REPLICATIONS = 50
_SECURITY = frozenset(kind for kind, one in KINDS.items() if one.is_security)
_RESTORES = (Kind.RESTORE, Kind.RESTORE_VM)
_READS = (Kind.CHECK, Kind.SCRUB)


def weekly(plane: Plane, actor: Actor, *, vault: str | None = None) -> Weekly:
    """Of one vault, by id or name, or of all the caller may look into."""
    now = plane.clock.now()
    week, before = Span(begin=now - WEEK, end=now), Span(begin=now - 2 * WEEK, end=now - WEEK)
    seen = survey(plane, actor)
    with plane.database.read() as db:
        among = vaults_asked(db, actor, vault)
        one = live_vault(db, vault) if vault is not None else None
        history = _History(db, week, before, among)
    subjects = [subject for subject in seen.subjects if _is_in(subject.vault_id, among)]
    problems = [group for group in seen.problems if _is_in(group.lead.vault_id, among)]
    capacity = forecast(plane, actor, vault=vault)
    drills = [_drill(drill) for drill in list_drills(plane, actor, vault=vault)]
    safety, proofs = _safety(seen, subjects), _proofs(seen, subjects, history.proving)
    causes = grouped(history.failures)
    return Weekly(
        made_at=now,
        begin=week.begin,
        end=week.end,
        vault_id=one.id if one else None,
        vault=one.name if one else None,
        verdict=_verdict(safety, proofs, problems, causes, drills=drills, capacity=capacity).value,
        safety=safety,
        proofs=proofs,
        problems=[_problem(group) for group in problems[:_MOST_THINGS]],
        problem_count=len(problems),
        work=_work(history.counts, history.counts_before),
        points=history.points,
        points_before=history.points_before,
        causes=causes,
        replications=history.replications[:_MOST_REPLICATIONS],
        replication_count=len(history.replications),
        drills=drills,
        growers=history.growers,
        acts=history.acts,
        capacity=capacity,
    )


class _History:
    """What the database remembers of two weeks."""

    def __init__(self, db: Session, week: Span, before: Span, among: Vaults) -> None:
        self.counts = weeks.counts(db, week, among)
        self.counts_before = weeks.counts(db, before, among)
        self.proving = weeks.proving(db, week, among)
        self.points = weeks.points_taken(db, week, among)
        self.points_before = weeks.points_taken(db, before, among)
        good = weeks.last_good(db, week.begin, among)
        self.failures = [_failure(row, good) for row in weeks.failures(db, week, among)]
        ways = replication_rows.listed(db, Filter(), vaults=among)
        behind = weeks.behind(db, week)
        found = [_replication(way, behind.get(way.row.id), week.end) for way in ways]
        self.replications = sorted(found, key=_how_well)
        added = weeks.added(db, week, among, limit=_MOST_GROWERS)
        self.growers = [
            Grower(machine_id=id_, machine=name, bytes_added=size, points=count)
            for id_, name, size, count in added
        ]
        told = weeks.alerts_of(db, week, among, kinds=_SECURITY)
        self.acts = [ActLine(at=one.first_at, sentence=sentence_of(one)) for one in told]


def _is_in(vault_id: str | None, among: Vaults) -> bool:
    return among is None or vault_id in among


def _safety(seen: Survey, subjects: Sequence[Subject]) -> SafetyWeek:
    of: dict[Safety, list[Subject]] = {kind: [] for kind in Safety}
    for one in subjects:
        of[one.safety].append(one)
    wrong = [*of[Safety.UNPROTECTED], *of[Safety.AT_RISK]]
    return SafetyWeek(
        protected=len(of[Safety.PROTECTED]),
        at_risk=len(of[Safety.AT_RISK]),
        unprotected=len(of[Safety.UNPROTECTED]),
        things=[_thing(seen, one) for one in wrong[:_MOST_THINGS]],
    )


def _proofs(seen: Survey, subjects: Sequence[Subject], proving: Mapping[str, int]) -> ProofWeek:
    promised = unproven(seen, subjects)
    promised.sort(key=lambda one: (one.proof is not None, one.name))
    return ProofWeek(
        days=PROVEN_FOR.days,
        proven=sum(map(is_kept, subjects)) - len(promised),
        unproven=len(promised),
        things=[_thing(seen, one) for one in promised[:_MOST_THINGS]],
        restores=_sum(proving, _RESTORES),
        drills=_sum(proving, (Kind.DRILL,)),
        read_checks=_sum(proving, _READS),
    )


def _sum(proving: Mapping[str, int], kinds: Sequence[str]) -> int:
    return sum(proving.get(kind, 0) for kind in kinds)


def _thing(seen: Survey, one: Subject) -> ThingView:
    return ThingView(
        kind=one.kind,
        id=one.id,
        name=one.name,
        vault=seen.vaults.get(one.vault_id, ""),
        safety=one.safety.value,
        reasons=[why.value for why in one.reasons],
        proven_at=one.proof.at if one.proof else None,
        proven_by=one.proof.by.value if one.proof else "",
    )


def _problem(group: Group) -> ProblemLine:
    return ProblemLine(
        sentence=sentence(group),
        remedy=remedy(group),
        severity=group.severity.label,
        since=group.since,
        affected=affected(group),
    )


def _work(
    counts: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], int]
) -> list[WorkWeek]:
    """What was done most comes first."""
    kinds = {kind for kind, _state in (*counts, *before)}
    found = [_work_of(kind, counts, before) for kind in kinds]
    return sorted(found, key=lambda one: (-(one.done + one.warnings + one.failed), one.kind))


def _work_of(
    kind: str, counts: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], int]
) -> WorkWeek:
    def of(some: Mapping[tuple[str, str], int], *states: str) -> int:
        return sum(some.get((kind, state), 0) for state in states)

    return WorkWeek(
        kind=kind,
        done=of(counts, "done"),
        warnings=of(counts, "warnings"),
        failed=of(counts, "failed"),
        lost=of(counts, "lost"),
        cancelled=of(counts, "cancelled"),
        skipped=of(counts, "skipped"),
        good_before=of(before, "done", "warnings"),
        bad_before=of(before, "failed", "lost"),
    )


def _failure(row: Any, good: Mapping[Place, datetime]) -> Failure:
    error, finding = retold(row.error) or {}, row.finding or {}
    done = good.get(Place(row.machine_id, row.kind, row.source))
    return Failure(
        machine=row.machine or "",
        kind=row.kind,
        source=row.source,
        # The doctor's cause tells failures apart better than the error it showed itself by.
        code=str(finding.get("code") or error.get("code") or row.state),
        sentence=str(finding.get("sentence") or error.get("message") or ""),
        remedy=str(error.get("remedy", "")),
        at=row.ended_at,
        is_over=done is not None and done > row.ended_at,
    )


def _replication(way: Any, behind: Behind | None, now: datetime) -> ReplicationWeek:
    view = view_of(way, now)
    return ReplicationWeek(
        id=view.id,
        vm=view.vm,
        name=view.name,
        machine=view.machine,
        site=view.site,
        every=view.every,
        worst_rpo_seconds=behind.worst if behind else None,
        well_share=1 - behind.unwell / behind.seconds if behind and behind.seconds else None,
        health=view.health,
        rpo_seconds=view.rpo_seconds,
    )


def _how_well(one: ReplicationWeek) -> tuple[float, float, str]:
    well = one.well_share if one.well_share is not None else -1.0
    return well, -(one.worst_rpo_seconds or 0.0), one.name


def _drill(one: DrillView) -> DrillWeek:
    return DrillWeek(
        vm=one.vm,
        name=one.name,
        machine=one.machine,
        verdict=one.verdict,
        at=one.at,
        passed_at=one.passed_at,
        due_at=one.due_at,
        is_overdue=one.is_overdue,
        seconds_to_up=one.seconds_to_up,
        rpo_seconds=one.rpo_seconds,
    )


def _verdict(
    safety: SafetyWeek,
    proofs: ProofWeek,
    problems: Sequence[Group],
    causes: Sequence[CauseView],
    *,
    drills: Sequence[DrillWeek],
    capacity: Capacity,
) -> Verdict:
    outlooks = {limit.outlook for vault in capacity.vaults for limit in vault.limits}
    is_grave = any(one.severity is Severity.CRITICAL for one in problems)
    if safety.unprotected or is_grave or Outlook.FULL in outlooks:
        return Verdict.BAD
    if not (safety.protected or safety.at_risk or problems):
        return Verdict.EMPTY
    is_open = any(not one.is_over for one in causes)
    is_wrong = safety.at_risk or proofs.unproven or problems or is_open
    is_near = Outlook.SOON in outlooks or any(_is_amiss(one) for one in drills)
    return Verdict.ATTENTION if is_wrong or is_near else Verdict.GOOD


def _is_amiss(one: DrillWeek) -> bool:
    return one.is_overdue or one.verdict in ("failed", "not-cleaned", "objective-missed")
