"""How causes about what is our own are decided: by what is seen now, then by what jobs said."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from holdfast.doctor.agent_facts import AGENT_KINDS, AgentJob, AgentState
from holdfast.doctor.checking import Params, check
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact
from holdfast.doctor.model import Span, Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.own_facts import JobRecord
from holdfast.doctor.recovery_facts import RECOVERY_KINDS, Recovery
from holdfast.doctor.replication_facts import REPLICATION_KINDS, Replication
from holdfast.doctor.server_facts import SERVER_KINDS
from holdfast.doctor.vm_facts import VM_KINDS

F = TypeVar("F", bound=Fact)
R = TypeVar("R", Recovery, Replication)
SHOWN = 3
_GOOD = frozenset(("done", "warnings"))
_PROBES = {
    kind: probe
    for probe, kinds in {
        **AGENT_KINDS,
        **SERVER_KINDS,
        **VM_KINDS,
        **REPLICATION_KINDS,
        **RECOVERY_KINDS,
    }.items()
    for kind in kinds.values()
}


@dataclass(frozen=True, slots=True)
class Look:
    """What a condition on one fact may know beside it."""

    facts: Facts
    params: Params

    def older(self, moment: datetime | None, **limit: float) -> bool | None:
        """Whether it lies longer back than this; None: there is no telling."""
        now = self.facts.now
        if moment is None or now is None:
            return None
        return now - moment > timedelta(**limit)

    def sooner(self, moment: datetime | None, *, days: float) -> bool | None:
        """Whether it comes, or came, before so many days from now are over."""
        now = self.facts.now
        if moment is None or now is None:
            return None
        return moment - now < timedelta(days=days)


Condition = Callable[[F, Look], bool | None]


def by_fact(
    cause: str,
    kind: type[F],
    bad: Condition[F],
    *,
    of: Callable[[F], bool] = lambda _: True,
    values: Callable[[F, Look], dict[str, object]] = lambda _fact, _look: {},
) -> None:
    """A cause that one fact proves; where its condition answers None the fact says nothing."""

    @check(cause, needs=(kind,))
    def judge(facts: Facts, params: Params) -> Verdict:
        look = Look(facts, params)
        return verdict(filter(of, facts.of(kind)), look, bad=bad, values=values, kind=kind)


def verdict(
    known: Iterable[F],
    look: Look,
    *,
    bad: Condition[F],
    values: Callable[[F, Look], dict[str, object]],
    kind: type[F],
) -> Verdict:
    judged = [(one, said) for one in known if (said := bad(one, look)) is not None]
    for one, is_bad in judged:
        if is_bad:
            return confirmed(one.span, **{**named(one), **values(one, look)})
    if judged:
        return ruled_out(*(one.span for one, _said in judged[:SHOWN]))
    return unknown(_PROBES[kind])


def named(fact: Fact) -> dict[str, object]:
    """The fact's fields as values of a sentence."""
    return {
        one.name: _shown(getattr(fact, one.name))
        for one in dataclasses.fields(fact)
        if one.name != "span"
    }


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return moment_text(value)
    return "-" if value is None or value == "" else value


def moment_text(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "-"


def last_records(facts: Facts) -> dict[str, JobRecord]:
    """How each kind of command of this machine ended last; what it said before is history."""
    return {record.job: record for record in facts.of(JobRecord)}


def codes_of(record: JobRecord) -> set[str]:
    """The error that was shown, or all of several that were shown together."""
    return {record.error, *record.fields.get("codes", "").split(", ")} - {""}


def by_error(
    cause: str, *codes: str, over: Callable[[Facts], Sequence[Span]] = lambda _: ()
) -> None:
    """A cause that only an error tells: of a command's last run, or of a job of the agent.

    `over` are the facts that show that it is no longer so.
    """

    @check(cause, needs_any=(JobRecord, AgentJob, AgentState))
    def judge(facts: Facts, _: Params) -> Verdict:
        if said := said_by_errors(facts, codes):
            return said
        records = last_records(facts).values()
        well = [*over(facts), *(one.span for one in records if one.result in _GOOD)]
        well += [one.span for one in newest_jobs(facts) if one.is_good]
        return ruled_out(*well[:SHOWN]) if well else unknown("own.jobs")


def judged_by_failures(facts: Facts, kind: type[R], codes: Sequence[str]) -> Verdict:
    """What these have failed with last, or a command about them; one without it denies that."""
    found = facts.of(kind)
    if said := failed_with(found, codes) or said_by_errors(facts, codes):
        return said
    well = [one.span for one in found]
    return ruled_out(*well[:SHOWN]) if well else unknown(_PROBES[kind])


def failed_with(found: Iterable[Recovery | Replication], codes: Sequence[str]) -> Verdict | None:
    for one in found:
        if one.error in codes:
            return confirmed(one.span, **{**named(one), "reason": one.said or one.error})
    return None


def said_by_errors(facts: Facts, codes: Sequence[str]) -> Verdict | None:
    for record in reversed(last_records(facts).values()):
        if codes_of(record) & set(codes):
            return confirmed(record.span, **{"job": record.job, **record.fields})
    for job in newest_jobs(facts):
        if job.error in codes and not job.is_good:
            return confirmed(job.span, **{**named(job), "job": job.kind, **job.fields})
    return None


def newest_jobs(facts: Facts) -> list[AgentJob]:
    """Of each kind and source the job made last."""
    newest: dict[tuple[str, str], AgentJob] = {}
    for job in sorted(facts.of(AgentJob), key=lambda one: one.created or datetime.min):  # noqa: DTZ901  sorts before every real time
        newest[job.kind, job.source] = job
    return list(newest.values())
