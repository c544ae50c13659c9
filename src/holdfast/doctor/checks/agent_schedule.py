"""Causes of backups that do not run, or that nobody hears of."""

from datetime import datetime

from holdfast.doctor.agent_facts import (
    AGENT_ITSELF,
    AgentAssignment,
    AgentJob,
    AgentJournal,
    AgentPolicies,
    AgentTimer,
    OtherBackup,
)
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import Look, by_fact, moment_text, newest_jobs
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown

_DAY = 24 * 60
_SCHEDULE = "own.agent.schedule"
# Left out because nobody wants it any more, not because another was at work.
_LET_GO = "vm-not-protected"

by_fact(
    "agent.no-assignment",
    AgentPolicies,
    lambda one, _: None if one.state == "unreadable" else one.count == 0,
)
by_fact("agent.policies-unreadable", AgentPolicies, lambda one, _: one.state == "unreadable")
by_fact(
    "agent.policies-stale",
    AgentPolicies,
    lambda one, look: look.older(one.heard, days=look.params.number("days")),
    values=lambda one, _: {"heard": moment_text(one.heard)},
)
by_fact(
    "agent.schedule-unreadable",
    AgentAssignment,
    lambda one, _: None if one.state == "unknown" else one.state == "unreadable",
)


def _is_good(one: AgentAssignment) -> bool:
    return one.state == "good"


by_fact("agent.paused", AgentAssignment, lambda one, _: one.is_paused, of=_is_good)
by_fact(
    "agent.blackout",
    AgentAssignment,
    lambda one, _: None if one.is_paused else one.next is None,
    of=_is_good,
    values=lambda one, _: {"blackouts": ", ".join(one.blackouts) or "-"},
)
by_fact(
    "agent.catch-up-off",
    AgentAssignment,
    lambda one, _: None if one.is_paused else one.missed > 0 and not one.catches_up,
    of=_is_good,
    values=lambda one, _: {"count": one.missed},
)


@check("agent.other-schedule", needs_any=(OtherBackup, AgentAssignment))
def other_schedule(facts: Facts, params: Params) -> Verdict:
    """Two that read the same disks at once slow each other down, or lock each other out."""
    window = params.number("minutes")
    mine = [(one, one.next_local) for one in facts.of(AgentAssignment) if one.next_local]
    others = [one for one in facts.of(OtherBackup) if one.tool != AGENT_ITSELF]
    for other in others:
        for one, at in mine:
            if any(_apart(at, theirs) <= window for theirs in other.at):
                values = {"tool": other.tool, "where": other.where, "policy": one.policy}
                return confirmed(other.span, one.span, at=", ".join(other.at), **values)
    if mine:
        return ruled_out(*(one.span for one in others[:2]), *(one.span for one, _ in mine[:2]))
    return unknown(_SCHEDULE)


def _apart(one: str, other: str) -> int:
    """Minutes between two times of day, over midnight if that is nearer."""
    apart = abs(_minutes(one) - _minutes(other)) % _DAY
    return min(apart, _DAY - apart)


def _minutes(at: str) -> int:
    hour, _colon, minute = at.partition(":")
    return int(hour) * 60 + int(minute) if hour.isdigit() and minute.isdigit() else _DAY // 2


@check("agent.busy", needs=(AgentJob,))
def busy(facts: Facts, _: Params) -> Verdict:
    """The last trigger came while another job of the source was at work."""
    for one in newest_jobs(facts):
        if one.state == "skipped" and one.error != _LET_GO:
            holder = _named(facts, one.fields.get("job", ""))
            holding = {"pid": holder.pid or "-", "is_alive": holder.is_alive} if holder else {}
            since = one.fields.get("since", "-")
            return confirmed(one.span, **{"job": one.kind, "since": since, "pid": "-", **holding})
    return ruled_out(*(one.span for one in newest_jobs(facts)[:3]))


def _named(facts: Facts, job_id: str) -> AgentJob | None:
    return next((one for one in facts.of(AgentJob) if one.id == job_id), None)


@check("agent.job-hangs", needs=(AgentJob,))
def job_hangs(facts: Facts, params: Params) -> Verdict:
    look = Look(facts, params)
    running = [one for one in facts.of(AgentJob) if one.state == "running"]
    for one in running:
        if look.older(one.started, hours=params.number("hours")) or one.is_alive is False:
            values = {"job": one.kind, "since": moment_text(one.started), "pid": one.pid or "-"}
            return confirmed(one.span, **values)
    over = [one for one in newest_jobs(facts) if one.state != "waiting"]
    return ruled_out(*(one.span for one in over[:3])) if over else unknown("own.agent.jobs")


@check("agent.no-good-backup", needs_any=(AgentJob, AgentAssignment))
def no_good_backup(facts: Facts, params: Params) -> Verdict:
    """Whatever the reason: this is how much work would be lost."""
    days, look = params.number("days"), Look(facts, params)
    backups = [one for one in facts.of(AgentJob) if one.kind == "backup" and one.created]
    good = sorted((one for one in backups if one.is_good), key=_ended)
    if good:
        newest = good[-1]
        values = {"last": moment_text(newest.ended or newest.created), "days": round(days)}
        is_old = look.older(newest.ended or newest.created, days=days)
        return (confirmed if is_old else ruled_out)(newest.span, **values)
    for one in sorted(backups, key=_ended)[:1]:
        if look.older(one.created, days=days):
            return confirmed(one.span, last="-", days=round(days))
    return unknown("own.agent.jobs")


def _ended(job: AgentJob) -> datetime:
    return job.ended or job.created or datetime.min  # noqa: DTZ901  sorts before every real time


by_fact(
    "agent.journal-damaged",
    AgentJournal,
    lambda one, _: one.state in {"damaged", "unreadable"},
)
by_fact("agent.journal-put-aside", AgentJournal, lambda one, _: one.put_aside > 0)
by_fact(
    "agent.reports-waiting",
    AgentJournal,
    lambda one, look: (
        False
        if not one.undelivered
        else look.older(one.waits_since, hours=look.params.number("hours"))
    ),
    of=lambda one: one.state == "good",
)
by_fact(
    "agent.timer-never-elapses",
    AgentTimer,
    lambda one, _: one.is_on and one.next is None,
)
