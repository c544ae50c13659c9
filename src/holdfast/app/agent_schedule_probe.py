"""The policies on this machine's disk, and what their schedules mean now."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from holdfast.app.agent_folder import AgentFolder, read_if_there
from holdfast.app.agent_journal_probe import reading
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.fleet.local_time import ZoneUnreadable
from holdfast.fleet.messages import AssignedPolicy, Assignments
from holdfast.fleet.policies import Policy, known_policy
from holdfast.fleet.schedule import due, next_due

Line = dict[str, object]
# An agent that is at work has answered a moment by then.
_GRACE = timedelta(minutes=15)
_LAST = (
    "SELECT max(at) FROM occurrences WHERE assignment = ? "
    "AND (what = 'backup' OR what LIKE 'backup vm:%')"
)
_FACT = "SELECT value FROM facts WHERE name = ?"


def tell_schedule(session: Session) -> Iterator[Line]:
    home = session.settings.home
    folder = AgentFolder.of(home)
    content = read_if_there(f"{folder.path}/policies.json")
    line: Line = {"holdfast": "agent-policies", "heard": _asked(home, _FACT, "heard")}
    if content is None:
        if read_if_there(folder.registration) is not None:
            yield {**line, "state": "missing", "count": 0}
        return
    try:
        found = msgspec.json.decode(content, type=Assignments)
    except msgspec.MsgspecError:
        yield {**line, "state": "unreadable"}
        return
    yield {**line, "state": "good", "count": len(found.assignments)}
    now = session.clock.now()
    yield from (_assignment(home, one, now) for one in found.assignments)


def _assignment(home: str, one: AssignedPolicy, now: datetime) -> Line:
    line: Line = {
        "holdfast": "agent-assignment",
        "id": one.id,
        "policy": one.policy_name,
        "is_paused": one.is_paused,
    }
    try:
        policy = known_policy(one.policy)
        return {**line, **_timed(home, one, policy, now)}
    except ZoneUnreadable as err:
        # Of the host and not of the policy, and perhaps of this moment alone.
        return {**line, "state": "unknown", "reason": str(err)}
    except HoldfastError as err:
        return {**line, "state": "unreadable", "reason": str(err.fields.get("reason", err))}


def _timed(home: str, one: AssignedPolicy, policy: Policy, now: datetime) -> Line:
    upcoming = next_due(policy.timing, now, seed=one.id)
    last = _asked(home, _LAST, one.id)
    begun = last or _asked(home, _FACT, f"since:{one.id}")
    missed = _missed(one, policy, begun, now) if begun else {}
    return {
        "state": "good",
        "schedule": policy.schedule,
        "zone": policy.zone,
        "next": upcoming.at.isoformat() if upcoming else None,
        "next_local": f"{upcoming.at.astimezone():%H:%M}" if upcoming else "",
        "last": last,
        "catches_up": policy.catch_up,
        "blackouts": list(policy.blackouts),
        **missed,
    }


def _missed(one: AssignedPolicy, policy: Policy, begun: str, now: datetime) -> Line:
    """What came since the last answered moment and should have been answered by now."""
    patient = replace(policy.timing, catches_up=True, catch_up_within=None)
    grace = _GRACE + (patient.widest_spread if one.vms else timedelta(0))
    found = due(patient, datetime.fromisoformat(begun), now - grace, seed=one.id)
    if found is None:
        return {}
    return {"missed": found.missed + 1, "missed_at": found.nominal.isoformat()}


def _asked(home: str, question: str, about: str) -> str | None:
    try:
        with reading(home) as db:
            row = db.execute(question, (about,)).fetchone()
    except sqlite3.DatabaseError:
        return None
    return row[0] if row else None
