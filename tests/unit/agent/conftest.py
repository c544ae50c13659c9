"""An agent's folder, a journal in it, and jobs to put there."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal
from holdfast.agent.place import Place
from holdfast.fleet.jobs import Kind

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(str(tmp_path))
    place.prepare()
    return place


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def journal(place: Place, warnings: list[str]) -> Iterator[Journal]:
    journal = Journal(place.journal, warn=warnings.append)
    yield journal
    journal.close()


@pytest.fixture
def make_job() -> Callable[..., Job]:
    def make(job_id: str = "job-1", **fields: Any) -> Job:
        given = {"kind": Kind.BACKUP, "source": "/etc", "origin": "schedule", "created_at": NOON}
        return Job(id=job_id, **{**given, **fields})

    return make
