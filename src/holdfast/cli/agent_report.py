"""How the agent's part of `agent status` is told."""

from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from holdfast.base.texts import _
from holdfast.cli import shown
from holdfast.fleet.virtual_machines import sources_text

if TYPE_CHECKING:
    from holdfast.agent.jobs import Job
    from holdfast.agent.overview import NextRun, Overview
    from holdfast.agent.standing import Standing


def fields(seen: "Overview") -> dict[str, Any]:
    """For the event `agent-state`."""
    standing = seen.standing
    return {
        "agent": _state(standing),
        "agent_version": standing.version if standing else None,
        "package_version": version("holdfast"),
        "connection": standing.connection if standing else None,
        "connection_since": _iso(standing.since) if standing else None,
        "connection_trouble": standing.trouble if standing else None,
        "heard_at": _iso(standing.heard_at) if standing else None,
        "journal_trouble": seen.journal_trouble,
        "undelivered": seen.undelivered,
        "undelivered_since": _iso(seen.waits_since),
        "jobs": [_job(one) for one in seen.jobs],
        "next_runs": [_run(one) for one in seen.runs],
        "policies_of": _iso(seen.policies_of),
    }


def rows(seen: "Overview") -> list[tuple[str, str]]:
    """Rows of the table a person reads."""
    return [
        (_("Agent"), _agent(seen.standing)),
        *_connection(seen.standing),
        *_policies(seen),
        *((_("Next run"), _run_line(one)) for one in seen.runs),
        *((_("Job"), _job_line(one)) for one in seen.jobs),
        *_undelivered(seen),
    ]


def warnings(seen: "Overview") -> list[str]:
    """What somebody has to do something about."""
    found = []
    if seen.journal_trouble:
        sentence = _("The journal of the agent is in trouble: {reason}")
        found.append(sentence.format(reason=seen.journal_trouble))
    standing, installed = seen.standing, version("holdfast")
    if standing and standing.process and standing.version != installed:
        sentence = _(
            "The agent that runs is of version {old}, {new} is installed: "
            "`systemctl restart holdfast-agent`"
        )
        found.append(sentence.format(old=standing.version, new=installed))
    return found


def _state(standing: "Standing | None") -> str:
    if standing is None:
        return "never"
    return "running" if standing.process else "stopped"


def _agent(standing: "Standing | None") -> str:
    if standing is None:
        return _("never ran; `holdfast agent install` starts it")
    if standing.process is None:
        return _("does not run; `holdfast agent install` starts it")
    sentence = _("runs since {at}, version {version}")
    return sentence.format(at=shown.moment(standing.started_at), version=standing.version)


def _connection(standing: "Standing | None") -> list[tuple[str, str]]:
    if standing is None or standing.process is None:
        return []
    words = {
        "online": _("connected since {at}"),
        "away": _("the server is away since {at}: {reason}"),
        "refused": _("the server refuses this machine since {at}: {reason}"),
    }
    sentence = words.get(standing.connection, _("not connected yet"))
    at, reason = shown.moment(standing.since), shown.line(standing.trouble or "-")
    found = [(_("Connection"), sentence.format(at=at, reason=reason))]
    if standing.heard_at is not None and standing.connection != "online":
        found.append((_("Heard last"), shown.moment(standing.heard_at)))
    return found


def _policies(seen: "Overview") -> list[tuple[str, str]]:
    if seen.policies_of is None:
        return []
    sentence = _("{count}, from the server at {at}")
    text = sentence.format(count=len(seen.runs), at=shown.moment(seen.policies_of))
    return [(_("Policies"), text)]


def _run_line(one: "NextRun") -> str:
    when = _("paused") if one.is_paused else shown.moment(one.at) if one.at else "-"
    return f"{when}  {shown.line(one.policy)}: {shown.line(sources_text(one.paths, one.vms))}"


def _job_line(one: "Job") -> str:
    what = f"{one.kind.value} {shown.line(one.source)} ({one.id})"
    if one.state.value == "running":
        since = shown.moment(one.tried_at or one.created_at)
        return _("{what}: runs since {since}").format(what=what, since=since)
    if one.next_try is not None:
        sentence = _("{what}: tried again at {at}")
        return sentence.format(what=what, at=shown.moment(one.next_try))
    return _("{what}: waits").format(what=what)


def _undelivered(seen: "Overview") -> list[tuple[str, str]]:
    if not seen.undelivered or seen.waits_since is None:
        return []
    sentence = _("{count}, the oldest of {at}")
    at = shown.moment(seen.waits_since)
    return [(_("Reports not delivered"), sentence.format(count=seen.undelivered, at=at))]


def _job(one: "Job") -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": one.state.value,
        "source": one.source,
        "since": _iso(one.tried_at or one.created_at),
        "next_try": _iso(one.next_try),
    }


def _run(one: "NextRun") -> dict[str, Any]:
    return {
        "policy": one.policy,
        "paths": list(one.paths),
        "vms": list(one.vms),
        "paused": one.is_paused,
        "at": _iso(one.at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
