"""Jobs the server does itself, slice by slice: each slice may be done twice, and is noted."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.job_watch import end
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.errors import HoldfastError
from holdfast.catalog import beginnings
from holdfast.catalog import jobs as job_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Job, Vault
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.retrying import wait_after

SERVER = Actor(kind="server", id="server", name="server")
MOST_ATTEMPTS = 50


def begin(plane: Plane, job_id: str) -> bool:
    """Whether there is something to do: not when it was cancelled, or is over already."""
    with plane.database.write() as db:
        job = job_rows.locked(db, job_id)
        if job is None or State(job.state).is_over:
            return False
        job.state = State.RUNNING.value
        job.started_at = job.started_at or plane.clock.now()
        return True


def is_cancelled(plane: Plane, job_id: str) -> bool:
    with plane.database.read() as db:
        job = db.get(Job, job_id)
        return job is None or job.cancel_asked_at is not None


def begin_slice(plane: Plane, job_id: str) -> int:
    """How many slices in a row were begun before this one, and never ended."""
    with plane.database.write() as db:
        return beginnings.begin(db, job_id)


def end_slice(plane: Plane, job_id: str) -> None:
    """It is over, or left in order: whatever happens next, it has killed nobody."""
    with plane.database.write() as db:
        beginnings.end(db, job_id)


def note_progress(plane: Plane, job_id: str, progress: Mapping[str, Any]) -> None:
    with plane.database.write() as db:
        beginnings.end(db, job_id)
        job = job_rows.locked(db, job_id)
        if job is not None and not State(job.state).is_over:
            job.progress = dict(progress)


def note_attempt(plane: Plane, job_id: str, error: HoldfastError) -> timedelta | None:
    """It went wrong: how long to wait before the next try, None when there is none."""
    from holdfast.app.control.job_orders import error_record

    with plane.database.write() as db:
        beginnings.end(db, job_id)
        job = job_rows.locked(db, job_id)
        if job is None or State(job.state).is_over:
            return None
        job.attempts += 1
        job.error = error_record(error)
        if error.retry.value == "never" or job.attempts >= MOST_ATTEMPTS:
            return None
        return wait_after(job.attempts)


def finish(
    plane: Plane,
    job_id: str,
    state: State,
    *,
    result: Mapping[str, Any] | None = None,
    error: HoldfastError | None = None,
) -> None:
    """Saying it twice is fine: only the first counts."""
    with plane.database.write() as db:
        beginnings.end(db, job_id)
        job = job_rows.locked(db, job_id)
        if job is not None and not State(job.state).is_over:
            kept = job.error if state is State.FAILED else None
            job.result = dict(result) if result else None
            job.error = job.error if error is None else None
            end(db, plane, job, state, error)
            if error is None:
                job.error = kept


def order_vault_deletion(plane: Plane, db: Session, vault: Vault) -> str | None:
    """The job that destroys a vault whose time in the trash is over; None when there is one."""
    if job_rows.open_of_kind(db, Kind.DELETE_VAULT.value, vault.id) is not None:
        return None
    job = Job(
        id=secrets.token_hex(8),
        vault_id=vault.id,
        machine_id=None,
        kind=Kind.DELETE_VAULT.value,
        origin="server",
        source=vault.id,
        state=State.WAITING.value,
        arguments={},
        asked_by=str(SERVER),
        created_at=plane.clock.now(),
        attempts=0,
        report_number=0,
        progress={},
    )
    db.add(job)
    audit.note(db, plane, SERVER, act="vault-purge", vault_id=vault.id, object=vault.name)
    return job.id
