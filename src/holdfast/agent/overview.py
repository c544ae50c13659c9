"""What an agent has done, does and will do, read from its files beside it; nothing is changed."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.jobs import Job
from holdfast.agent.place import Place
from holdfast.agent.standing import Standing, read_standing
from holdfast.agent.words import policy_of
from holdfast.base.errors import HoldfastError
from holdfast.fleet.messages import AssignedPolicy
from holdfast.fleet.schedule import next_due

_OPEN = "SELECT body FROM jobs WHERE NOT is_over ORDER BY created, rowid"
_UNDELIVERED = "SELECT count(*), min(created) FROM jobs WHERE delivered < number AND is_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRun:
    policy: str
    paths: tuple[str, ...]
    vms: tuple[str, ...]
    is_paused: bool
    # None: paused, or never again, or this version does not understand the policy.
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    # None: no agent ever ran in this home.
    standing: Standing | None
    # Running and waiting ones, oldest first.
    jobs: tuple[Job, ...]
    # Jobs that are over and whose end the server does not know, and since when the oldest waits.
    undelivered: int
    waits_since: datetime | None
    # Why the journal cannot be read, or is kept in memory.
    journal_trouble: str | None
    runs: tuple[NextRun, ...]
    # When the policies on the disk came from the server.
    policies_of: datetime | None


def look(home: str, now: datetime) -> Overview:
    place = Place(home)
    standing = read_standing(place.standing)
    jobs, undelivered, oldest, trouble = _journal(place.journal)
    if standing is not None and standing.process is not None:
        trouble = standing.journal or trouble
    return Overview(
        standing=standing,
        jobs=jobs,
        undelivered=undelivered,
        waits_since=oldest,
        journal_trouble=trouble,
        runs=tuple(_next(one, now) for one in AssignedPolicies(place.policies).all),
        policies_of=_changed(place.policies),
    )


def _journal(file: str) -> tuple[tuple[Job, ...], int, datetime | None, str | None]:
    if not os.path.exists(file):
        return (), 0, None, None
    try:
        with closing(sqlite3.connect(f"file:{quote(file)}?mode=ro", uri=True, timeout=2)) as db:
            bodies = [body for (body,) in db.execute(_OPEN)]
            ((count, oldest),) = db.execute(_UNDELIVERED)
        jobs = tuple(msgspec.json.decode(body, type=Job) for body in bodies)
    except (sqlite3.DatabaseError, msgspec.MsgspecError) as err:
        return (), 0, None, str(err)
    return jobs, count, datetime.fromtimestamp(oldest, UTC) if oldest else None, None


def _next(one: AssignedPolicy, now: datetime) -> NextRun:
    try:
        found = None if one.is_paused else next_due(policy_of(one).timing, now, seed=one.id)
    except (HoldfastError, ValueError):
        found = None
    return NextRun(
        policy=one.policy_name,
        paths=tuple(one.paths),
        vms=tuple(one.vms),
        is_paused=one.is_paused,
        at=found.at if found else None,
    )


def _changed(file: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(os.stat(file).st_mtime, UTC)
    except OSError:
        return None
