"""How far and how fast a job is, from what its machine tells of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast.app.control.job_views import JobView
from holdfast.app.jobs_view import part_of
from holdfast.console.job_words import (
    KINDS,
    STATES,
    Speed,
    about,
    begun_by,
    done_text,
    who_text,
)
from holdfast.fleet.jobs import Kind, State

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
MIB = 1 << 20


def test_every_kind_and_state_has_a_word() -> None:
    assert set(KINDS) == set(Kind)
    assert set(STATES) == set(State)


@pytest.mark.parametrize(
    ("progress", "part"),
    [
        ({}, None),
        ({"bytes_done": 1, "bytes_total": 4}, 0.25),
        ({"bytes_done": 0, "bytes_total": 0, "files_done": 1, "files_total": 2}, 0.5),
        ({"bytes_done": 9, "bytes_total": 4}, None),
        ({"percent": 40}, 0.4),
        ({"percent": 140}, 1.0),
    ],
)
def test_part_is_known_only_with_a_whole(progress: dict[str, Any], part: float | None) -> None:
    assert part_of(progress) == part


def test_speed_is_that_of_the_last_moments() -> None:
    speed = Speed()
    for second in range(100):
        done = min(second, 60) * MIB
        speed.note(BEGIN + timedelta(seconds=second), {"bytes_done": done})

    told = speed.text({"bytes_done": 60 * MIB, "bytes_total": 90 * MIB, "seconds": 99})

    assert speed.rate == 0
    assert told == "nothing moves at the moment"


def test_time_left_follows_from_the_speed() -> None:
    speed = Speed()
    for second in range(5):
        speed.note(BEGIN + timedelta(seconds=second), {"bytes_done": second * 2 * MIB})

    told = speed.text({"bytes_done": 8 * MIB, "bytes_total": 68 * MIB})

    assert told == "2.00 MiB a second · about 30 s left"


def test_another_phase_begins_anew() -> None:
    speed = Speed()
    speed.note(BEGIN, {"bytes_done": 900})
    speed.note(BEGIN + timedelta(seconds=2), {"bytes_done": 10})

    assert speed.rate is None
    assert speed.text({"bytes_done": 10}) == ""


def test_mean_stands_in_before_anything_was_compared() -> None:
    told = Speed().text({"bytes_done": 10 * MIB, "seconds": 10})

    assert told == "1.00 MiB a second"


def test_what_is_done_is_told_as_far_as_it_is_known() -> None:
    progress = {"phase": "store", "bytes_done": MIB, "files_done": 12, "files_total": 1200}

    assert done_text(progress) == "store · 1.00 MiB · 12 / 1,200 files"


def a_job(**more: Any) -> JobView:
    given: dict[str, Any] = {
        "id": "1",
        "vault_id": None,
        "machine_id": None,
        "machine": None,
        "kind": Kind.BACKUP,
        "origin": "schedule",
        "source": "/srv",
        "about": "",
        "state": State.DONE,
        "asked_by": "",
        "created_at": BEGIN,
        "started_at": None,
        "ended_at": None,
        "is_cancel_asked": False,
        "attempts": 1,
        "progress": {},
        "error_code": None,
    }
    return JobView(**{**given, **more})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plan:shop", "shop"),
        ("recovery-test:web", "web"),
        ("vm:web", "web"),
        ("/etc /srv vm:web", "/etc /srv vm:web"),
        ("/srv/a:b", "/srv/a:b"),
        ("", ""),
    ],
)
def test_what_a_job_is_about_is_named_without_its_mark(source: str, text: str) -> None:
    assert about(a_job(source=source)) == text


@pytest.mark.parametrize(
    ("job", "who"),
    [
        ({"asked_by": "person:ada"}, "ada"),
        ({"asked_by": "server:server"}, "server"),
        ({"asked_by": "machine:1f"}, "machine:1f"),
        ({}, "On a schedule"),
        ({"origin": "person"}, "person"),
    ],
)
def test_who_began_a_job_is_called_as_people_call_them(job: dict[str, Any], who: str) -> None:
    assert begun_by(a_job(**job)) == who


def test_nobody_has_no_name() -> None:
    assert who_text("") == ""
