"""Causes about what runs the agent: its program, its unit, its timer."""

from dataclasses import replace

from holdfast.doctor.agent_facts import (
    AGENT_ITSELF,
    AgentInstallation,
    AgentProcess,
    AgentService,
    AgentState,
    AgentTimer,
    OtherBackup,
)
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import (
    Condition,
    Look,
    by_fact,
    moment_text,
    said_by_errors,
)
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Service
from holdfast.doctor.model import Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.own_facts import JobRecord

UNIT = "holdfast-agent"


def _timed(facts: Facts) -> bool:
    """Work is started by a timer, or by cron: then no daemon has to run."""
    return any(one.is_on for one in facts.of(AgentTimer)) or any(
        one.tool == AGENT_ITSELF for one in facts.of(OtherBackup)
    )


@check("agent.version-old", needs=(AgentInstallation,))
def version_old(facts: Facts, params: Params) -> Verdict:
    least = params.text("least")
    for one in facts.of(AgentInstallation):
        if numbers(one.version) < numbers(least):
            return confirmed(one.span, version=one.version, least=least)
        if said := said_by_errors(facts, ["arguments-not-understood"]):
            return replace(said, values={"version": one.version, "least": least})
        return ruled_out(one.span, version=one.version, least=least)
    return unknown("own.agent")


def numbers(version: str) -> tuple[int, ...]:
    """Of `1.10.2rc1` the parts that are numbers, up to the first that is none."""
    found: list[int] = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        found.append(int(digits[:9]))
        if digits != part:
            break
    return tuple(found)


@check("agent.restart-pending", needs=(AgentInstallation, AgentService))
def restart_pending(facts: Facts, _: Params) -> Verdict:
    (installed, *_more), running = facts.of(AgentInstallation), facts.of(AgentService)
    for one in running:
        if one.runs and one.since and installed.changed:
            values = {"since": moment_text(one.since), "changed": moment_text(installed.changed)}
            said = confirmed if one.since < installed.changed else ruled_out
            return said(one.span, installed.span, version=installed.version, **values)
    return unknown("own.agent.service")


by_fact(
    "agent.installation-damaged",
    AgentInstallation,
    lambda one, _: None if not one.files else bool(one.missing or one.altered),
    values=lambda one, _: {"count": one.missing + one.altered},
)


@check("agent.service-missing", needs=(AgentState, AgentService))
def service_missing(facts: Facts, _: Params) -> Verdict:
    if not any(one.registration == "good" for one in facts.of(AgentState)) or _timed(facts):
        return _of_units(facts, lambda _one, _look: False)
    return _of_units(facts, lambda one, _: one.load == "not-found")


@check("agent.not-at-work", needs=(AgentState, AgentProcess))
def not_at_work(facts: Facts, _: Params) -> Verdict:
    """Only where no unit of the system runs it: of one that does, the unit's state says more."""
    if facts.of(AgentService) or _timed(facts):
        return not_applicable()
    is_registered = any(one.registration == "good" for one in facts.of(AgentState))
    (one, *_more) = facts.of(AgentProcess)
    said = confirmed if is_registered and not one.is_running else ruled_out
    return said(one.span, home=one.home)


def _of_units(facts: Facts, bad: Condition[AgentService]) -> Verdict:
    look = Look(facts, Params())
    for one in facts.of(AgentService):
        said = confirmed if bad(one, look) else ruled_out
        return said(one.span, unit=one.unit)
    return unknown("own.agent.service")


def _by_unit(cause: str, bad: Condition[AgentService]) -> None:
    """What systemd says of the unit; a unit that is not there says nothing."""
    by_fact(
        cause, AgentService, lambda one, look: None if one.load == "not-found" else bad(one, look)
    )


def _by_state(cause: str, bad: Condition[AgentService], *, pasted: str) -> None:
    """The same, or a listing of `systemctl status` that somebody pasted."""

    @check(cause, needs_any=(AgentService, Service))
    def judge(facts: Facts, params: Params) -> Verdict:
        look = Look(facts, params)
        for one in facts.of(AgentService):
            said = confirmed if one.load != "not-found" and bad(one, look) else ruled_out
            return said(one.span, unit=one.unit, result=one.result or "-", status=one.status)
        for listed in facts.of(Service):
            if listed.name == UNIT:
                is_bad = pasted in {listed.state, listed.start}
                said = confirmed if is_bad else ruled_out
                status = "-" if listed.exit_code is None else listed.exit_code
                return said(listed.span, unit=listed.name, result=listed.state, status=status)
        return unknown("own.agent.service")


_by_state("agent.service-masked", lambda one, _: one.load == "masked", pasted="masked")
_by_state("agent.service-failed", lambda one, _: one.active == "failed", pasted="failed")
_by_state(
    "agent.service-stopped",
    lambda one, look: (
        one.load == "loaded"
        and one.active in {"inactive", "deactivating"}
        and not _timed(look.facts)
    ),
    pasted="stopped",
)
_by_state(
    "agent.service-disabled",
    lambda one, look: one.enabled == "disabled" and not _timed(look.facts),
    pasted="disabled",
)
_by_unit(
    "agent.service-restarting",
    lambda one, look: (
        one.sub == "auto-restart"
        or (one.restarts >= look.params.number("most") and not _settled(one, look))
    ),
)
_by_unit("agent.user-wrong", lambda one, _: one.user not in {"", "root", "0"})
_by_unit("agent.reload-needed", lambda one, _: one.needs_reload)


def _settled(one: AgentService, look: Look) -> bool:
    """It has run so long that its restarts are history."""
    return bool(look.older(one.since, hours=look.params.number("hours")))


def _by_program(cause: str, state: str) -> None:
    _by_unit(cause, lambda one, _: None if not one.program_state else one.program_state == state)


_by_program("agent.program-missing", "missing")
_by_program("agent.interpreter-missing", "no-interpreter")
_by_program("agent.program-noexec", "noexec")


@check("agent.service-proxy-stale", needs=(AgentService,))
def proxy_stale(facts: Facts, _: Params) -> Verdict:
    for one in facts.of(AgentService):
        for name, reason in one.silent_proxies.items():
            proxy = one.proxies.get(name, "?")
            return confirmed(one.span, name=name, proxy=proxy, reason=reason, unit=one.unit)
        if one.load == "loaded":
            return ruled_out(one.span)
    return unknown("own.agent.service")


by_fact(
    "agent.timer-disabled",
    AgentTimer,
    lambda one, look: not one.is_on and not any(s.runs for s in look.facts.of(AgentService)),
)


@check("agent.timer-and-daemon", needs=(AgentTimer, AgentService))
def timer_and_daemon(facts: Facts, _: Params) -> Verdict:
    for timer in facts.of(AgentTimer):
        for service in facts.of(AgentService):
            said = confirmed if timer.is_on and service.runs else ruled_out
            return said(timer.span, service.span, timer=timer.unit, unit=service.unit)
    return unknown("own.agent.service")


@check("agent.already-running", needs_any=(JobRecord, AgentProcess))
def already_running(facts: Facts, _: Params) -> Verdict:
    """That one runs is no fault by itself: only to somebody whose second did not start."""
    if said := said_by_errors(facts, ["agent-running"]):
        return said
    for one in facts.of(AgentProcess):
        is_it = one.is_running and "agent.second-agent" in facts.asked
        return (confirmed if is_it else ruled_out)(one.span, folder=one.home)
    return ruled_out(*(one.span for one in facts.of(JobRecord)[-1:]))
