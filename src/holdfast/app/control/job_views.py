"""Jobs as people see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.catalog import jobs as job_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import JobLine, JobStep


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    id: str
    vault_id: str | None
    machine_id: str | None
    machine: str | None
    kind: str
    origin: str
    source: str
    # What it works on, where `source` is the id of an assignment.
    about: str
    state: str
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_cancel_asked: bool
    attempts: int
    progress: dict[str, Any]
    # Of the error, if any; the job itself says the rest.
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    number: int
    name: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    id: int
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetail:
    job: JobView
    arguments: dict[str, Any]
    steps: list[StepView]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    finding: dict[str, Any] | None


def view_of(row: Any, machine: str | None, about: str = "") -> JobView:
    """`row`: a Job, or what a list read of one."""
    return JobView(
        id=row.id,
        vault_id=row.vault_id,
        machine_id=row.machine_id,
        machine=machine,
        kind=row.kind,
        origin=row.origin,
        source=row.source,
        about=about,
        state=row.state,
        asked_by=row.asked_by,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        is_cancel_asked=row.cancel_asked_at is not None,
        attempts=row.attempts,
        progress=row.progress,
        error_code=str(row.error["code"]) if row.error and "code" in row.error else None,
    )


def assigned_text(paths: Sequence[str] | None, policy: str | None) -> str:
    """What an assignment has its machine back up; nothing if there is none."""
    return f"{' '.join(paths)} ({policy})" if paths and policy else ""


def about_of(db: Session, source: str) -> str:
    return assigned_text(*(job_rows.assigned(db, source) or (None, None)))


def step_view(row: JobStep) -> StepView:
    return StepView(
        number=row.number,
        name=row.name,
        state=row.state,
        started_at=row.started_at,
        ended_at=row.ended_at,
        detail=row.detail,
    )


def line_view(row: JobLine) -> LineView:
    return LineView(id=row.id, at=row.at, level=row.level, text=row.text)
