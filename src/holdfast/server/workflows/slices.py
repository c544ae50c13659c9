"""Slices of the server's own work: each short, and each fit to be done again."""

from typing import Any

from holdfast.app.control.plan_driving import drive_slice
from holdfast.app.control.scrubbing import scrub_repository
from holdfast.app.control.vault_removal import remove_slice
from holdfast.base.units import MIB
from holdfast.catalog.tables import Job
from holdfast.server.workflows.holding import plane

# Some seconds of reading, even from a slow store.
_BUDGET = 256 * MIB


def scrub(job_id: str) -> dict[str, Any]:
    job = _job(job_id)
    assert job.machine_id is not None
    done = scrub_repository(plane(), job.machine_id, asked_at=job.created_at, budget=_BUDGET)
    return {
        "is_over": done.is_done,
        "files": done.files,
        "bytes_read": done.bytes_read,
        "damaged": done.damaged,
    }


def delete_vault(job_id: str) -> dict[str, Any]:
    # The vault is the source; the row's own link goes with the vault.
    return remove_slice(plane(), _job(job_id).source)


def recovery_plan(job_id: str) -> dict[str, Any]:
    return drive_slice(plane(), job_id)


def _job(job_id: str) -> Job:
    with plane().database.read() as db:
        job = db.get(Job, job_id)
    assert job is not None
    return job
