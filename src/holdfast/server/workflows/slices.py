"""Slices of the server's own work: each short, and each fit to be done again."""

from typing import Any


def scrub(job_id: str) -> dict[str, Any]:
    raise NotImplementedError(job_id)


def delete_vault(job_id: str) -> dict[str, Any]:
    raise NotImplementedError(job_id)
