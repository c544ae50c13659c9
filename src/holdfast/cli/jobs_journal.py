"""The agent's own journal, read beside the running agent and without disturbing it."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec

from holdfast.agent.jobs import Job as AgentJob
from holdfast.app.jobs_errors import JobUnknown
from holdfast.app.jobs_view import Detail, Job, Line, Wanted
from holdfast.fleet.messages import Line as AgentLine

_FILE = os.path.join("agent", "agent.db")
_AT_ONCE = 1000


class JournalJobs:
    def __init__(self, home: str) -> None:
        self._file = os.path.join(home, _FILE)

    def listed(self, wanted: Wanted) -> list[Job]:
        asked = "SELECT body FROM jobs ORDER BY created DESC, rowid DESC LIMIT ?"
        jobs = (_shown(job) for job in self._jobs(asked, _AT_ONCE))
        return [job for job in jobs if wanted.holds(job)][: wanted.latest]

    def show(self, job_id: str) -> Detail:
        asked = "SELECT body FROM jobs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY created DESC"
        for job in self._jobs(asked, job_id):
            return Detail(
                job=_shown(job),
                arguments=job.arguments,
                steps=job.steps,
                result=job.result,
                error=job.error,
                finding=job.finding,
            )
        raise JobUnknown(job=job_id)

    def lines(self, job_id: str, *, after: int) -> list[Line]:
        whole = self.show(job_id).job.id
        asked = "SELECT id, body FROM lines WHERE job = ? AND id > ? ORDER BY id LIMIT ?"
        found = []
        for number, body in self._rows(asked, whole, after, _AT_ONCE):
            line = msgspec.json.decode(body, type=AgentLine)
            found.append(Line(id=number, at=line.at, level=line.level, text=line.text))
        return found

    def _jobs(self, asked: str, *values: Any) -> Iterator[AgentJob]:
        for (body,) in self._rows(asked, *values):
            with contextlib.suppress(msgspec.MsgspecError):
                yield msgspec.json.decode(body, type=AgentJob)

    def _rows(self, asked: str, *values: Any) -> list[Any]:
        """Nothing where there is no agent, or where its files are not ours to read."""
        if not os.path.exists(self._file):
            return []
        try:
            with contextlib.closing(self._opened()) as db:
                return db.execute(asked, values).fetchall()
        except sqlite3.Error:
            return []

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=5)


def _about(job: AgentJob) -> str:
    """A host knows of its assignments by the policies that made them."""
    is_assigned = job.source == job.arguments.get("assignment")
    return str(job.arguments.get("policy", "")) if is_assigned else ""


def _shown(job: AgentJob) -> Job:
    return Job(
        id=job.id,
        kind=job.kind.value,
        state=job.state.value,
        created_at=job.created_at,
        source=job.source,
        about=_about(job),
        origin=job.origin,
        started_at=job.started_at,
        ended_at=job.ended_at,
        is_cancel_asked=job.is_cancelled,
        attempts=job.attempts,
        progress=job.progress,
        error_code=str(job.error["code"]) if job.error and "code" in job.error else None,
    )
