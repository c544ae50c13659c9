"""How jobs look."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast.app.jobs_view import Detail, Job, Line
from holdfast.cli.jobs_report import percent, tell_job, tell_jobs
from holdfast.cli.output import TextOutput
from holdfast.fleet.messages import Step
from holdfast.testing.clock import FakeClock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _job(**more: Any) -> Job:
    told: dict[str, Any] = {"id": "4f2a", "kind": "backup", "state": "running", "created_at": NOON}
    return Job(**{**told, "machine": "web1", **more})


def test_line_says_how_far_a_job_is(capsys: pytest.CaptureFixture[str]) -> None:
    job = _job(
        started_at=NOON,
        progress={"bytes_done": 50, "bytes_total": 200},
        source="/etc",
        is_cancel_asked=True,
    )

    tell_jobs(TextOutput(FakeClock()), [job], NOON + timedelta(seconds=90))

    text = capsys.readouterr().out
    for part in ("4f2a", "running, to be cancelled", "web1", "25%", "/etc", "1 job"):
        assert part in text


def test_one_job_is_told_with_steps_log_error_and_finding(
    capsys: pytest.CaptureFixture[str],
) -> None:
    detail = Detail(
        job=_job(state="failed", started_at=NOON, ended_at=NOON + timedelta(minutes=2)),
        steps=[
            Step(number=1, name="scan", state="done", started_at=NOON, ended_at=NOON),
            Step(number=2, name="send", state="failed", started_at=NOON),
        ],
        error={"code": "quota-exceeded", "message": "no room", "remedy": "make room"},
        finding={"code": "HF-VL001", "sentence": "the disk is full"},
    )
    lines = [Line(id=1, at=NOON, level="warning", text="slow")]

    tell_job(TextOutput(FakeClock()), detail, lines, NOON)

    text = capsys.readouterr().out
    for part in ("failed", "✓", "scan", "✗", "send", "warning: slow"):
        assert part in text
    assert "Error: no room\n  → make room\n  quota-exceeded" in text
    assert "The doctor: the disk is full (HF-VL001)" in text


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        ({}, ""),
        ({"percent": 40}, "40%"),
        ({"percent": 400}, "100%"),
        ({"files_done": 1, "files_total": 4}, "25%"),
        ({"bytes_done": 3, "bytes_total": 0}, ""),
        ({"bytes_done": "3", "bytes_total": None}, ""),
    ],
    ids=str,
)
def test_progress_is_a_share_where_the_whole_is_known(progress: dict[str, Any], said: str) -> None:
    assert percent(progress) == said


def test_text_of_a_machine_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    tell_jobs(TextOutput(FakeClock()), [_job(machine="we\x1b[2Jb", source="a\nb")], NOON)

    assert "\x1b" not in capsys.readouterr().out
