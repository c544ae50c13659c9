"""The JSON lines of test failovers and drills."""

from typing import Any

from holdfast.cli.json_base import Event


class TestPart(Event):
    """A part of a test failover is done."""

    # prepared, attached, furnished, described, started, recorded, resumed, checked or cleaned.
    part: str
    seconds: float


class TestCheck(Event):
    """A check of a test failover was made."""

    # As it was typed.
    check: str
    good: bool
    # Since the checks began.
    seconds: float
    said: str


class TestFailover(Event):
    """A test failover, as it is now; it counts only once nothing of it is left."""

    test: str
    vm: str
    uuid: str
    # The machine that was started.
    test_vm: str
    # planned, running, success or failure.
    state: str
    message: str
    # Whether it passed and nothing of it is left.
    counts: bool
    point: str
    taken_at: str | None
    # application, filesystem or crash.
    consistency: str | None
    # What a failover would have lost when it began, and how long it took until all checks passed.
    rpo_seconds: float | None
    rto_seconds: float | None
    seconds_to_running: float | None
    # Each with name and seconds.
    parts: list[dict[str, Any]]
    # Each with text, kind, is_good, seconds and said.
    checks: list[dict[str, Any]]
    begun_at: str
    ended_at: str | None
    expires_at: str | None
    cleaned_at: str | None
    # What kept it from being cleaned up.
    left: str
    who: str


class DrillRun(Event):
    """A drill that was run, or is being run."""

    run: str
    vm: str
    uuid: str
    # running, passed, objective-missed, failed or not-cleaned.
    verdict: str
    # Of rpo and rto, those that took longer than was promised.
    missed: list[str]
    reason: str
    rpo_objective_seconds: float | None
    rto_objective_seconds: float | None
    host: str
    scheduled: bool
    # As the event of that name.
    test: dict[str, Any]


class Drill(Event):
    """`drill list` and `schedule`: what is to be drilled, and how it went last."""

    vm: str
    uuid: str
    # null: only when somebody says so, or only past runs are left.
    schedule: str | None
    zone: str
    next_at: str | None
    point: str
    checks: list[str]
    rpo_objective_seconds: float | None
    rto_objective_seconds: float | None
    runs: int
    last_verdict: str | None
    last_at: str | None


class DrillReport(Event):
    """`drill report` wrote a page."""

    run: str
    vm: str
    file: str
