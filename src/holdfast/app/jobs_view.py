"""Jobs as `holdfast jobs` shows them, wherever they are noted: here, by the agent, by the server."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from holdfast.app.job_records import Record, records
from holdfast.app.jobs_errors import JobUnknown
from holdfast.base.errors import HoldfastError
from holdfast.fleet.messages import Step

# Where the errors of commands that are recorded come from.
_ERRORS = (
    *("storage.errors", "storage.rest_errors", "vault.errors", "vault.upkeep_errors"),
    *("files.errors", "files.restore.errors", "app.setup_errors"),
)
_OVER = frozenset({"done", "warnings", "failed", "damage", "cancelled", "skipped", "lost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The fields of the server's API that are shown; local records have fewer."""

    id: str
    kind: str
    state: str
    created_at: datetime
    machine_id: str | None = None
    machine: str | None = None
    source: str = ""
    # Of a source that is an assignment's id: what it is about.
    about: str = ""
    origin: str = ""
    asked_by: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    is_cancel_asked: bool = False
    attempts: int = 0
    progress: dict[str, Any] = field(default_factory=dict)
    error_code: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state in _OVER

    def seconds(self, now: datetime) -> float | None:
        """How long it has worked, or did."""
        if self.started_at is None:
            return None
        return max(((self.ended_at or now) - self.started_at).total_seconds(), 0.0)


def part_of(progress: Mapping[str, Any]) -> float | None:
    """How much of a job is done, from 0 to 1; None while nobody knows."""
    percent = progress.get("percent")
    if isinstance(percent, int | float):
        return min(max(percent / 100, 0.0), 1.0)
    for unit in ("bytes", "files"):
        done, total = progress.get(f"{unit}_done"), progress.get(f"{unit}_total")
        if isinstance(done, int) and isinstance(total, int) and total >= done > 0:
            return done / total
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: int
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    job: Job
    arguments: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    finding: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """None, or nothing: whichever."""

    machine: str | None = None
    kinds: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    since: datetime | None = None
    latest: int = 20

    def holds(self, job: Job) -> bool:
        return (
            (not self.kinds or job.kind in self.kinds)
            and (not self.states or job.state in self.states)
            and (self.machine is None or self.machine in (job.machine, job.machine_id))
            and (self.since is None or job.created_at >= self.since)
        )


class Source(Protocol):
    """Where jobs are noted."""

    def listed(self, wanted: Wanted) -> list[Job]:
        """The newest first."""

    def show(self, job_id: str) -> Detail:
        """By its whole id, or its beginning where that says which; else JobUnknown."""

    def lines(self, job_id: str, *, after: int) -> list[Line]:
        """The log behind the line of this id."""


class Records:
    """The jobs of commands that were typed on this machine; only how they ended is known."""

    def __init__(self, home: str) -> None:
        self._home = home

    def listed(self, wanted: Wanted) -> list[Job]:
        found = [job for _record, job in self._all() if wanted.holds(job)]
        return found[::-1][: wanted.latest]

    def show(self, job_id: str) -> Detail:
        for record, job in self._all():
            if job.id == job_id:
                return Detail(job=job, error=_error_of(record))
        raise JobUnknown(job=job_id)

    def lines(self, job_id: str, *, after: int) -> list[Line]:  # noqa: ARG002  the protocol's signature
        return []

    def _all(self) -> Iterator[tuple[Record, Job]]:
        for record in records(self._home):
            job = _job_of(record)
            if job is not None:
                yield record, job


class Several:
    """More than one place, seen as one."""

    def __init__(self, *sources: Source) -> None:
        self._sources = sources

    def listed(self, wanted: Wanted) -> list[Job]:
        found = [job for source in self._sources for job in source.listed(wanted)]
        return sorted(found, key=lambda job: job.created_at, reverse=True)[: wanted.latest]

    def show(self, job_id: str) -> Detail:
        return self._owner(job_id).show(job_id)

    def lines(self, job_id: str, *, after: int) -> list[Line]:
        return self._owner(job_id).lines(job_id, after=after)

    def _owner(self, job_id: str) -> Source:
        for source in self._sources:
            try:
                source.show(job_id)
            except JobUnknown:
                continue
            return source
        raise JobUnknown(job=job_id)


def _job_of(record: Record) -> Job | None:
    try:
        ended = datetime.fromisoformat(str(record["ended"]))
        job_id, kind, state = (str(record[name]) for name in ("id", "job", "result"))
    except (KeyError, ValueError):
        return None
    if ended.tzinfo is None:
        return None
    return Job(
        id=job_id,
        kind=kind,
        state=state,
        created_at=ended,
        ended_at=ended,
        source=str(record.get("vault", "")),
        origin="machine",
        error_code=str(record["error"]) if record.get("error") else None,
    )


def _error_of(record: Record) -> dict[str, Any] | None:
    """The error in words, as far as this program still knows its code."""
    code, fields = record.get("error"), record.get("fields")
    if not code:
        return None
    given = fields if isinstance(fields, dict) else {}
    for module in _ERRORS:
        importlib.import_module(f"holdfast.{module}")
    known = HoldfastError.registry.get(str(code))
    said = known(**given) if known else None
    return {
        "code": str(code),
        "message": str(said or ", ".join(map(str, given.values()))),
        "remedy": said.advice if said else "",
        "source_codes": list(said.source_codes) if said else [],
    }
