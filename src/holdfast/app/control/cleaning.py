"""Forgetting, each thing after its time: answers, sessions, commands, old logs and old jobs."""

from collections.abc import Callable
from datetime import datetime, timedelta

from holdfast.app.control.plane import Plane
from holdfast.app.control.replaying import ANSWERS_KEPT
from holdfast.catalog import cleaning as rows
from holdfast.catalog.database import Session

_Forget = Callable[[Session, datetime], int]
# A log is long and soon of no use; that there was a job, and how it ended, is asked for years.
_KEPT: tuple[tuple[str, _Forget, timedelta], ...] = (
    ("answers", rows.forget_answers, ANSWERS_KEPT),
    ("pins", rows.forget_pins, timedelta(days=1)),
    ("tokens", rows.forget_tokens, timedelta(days=30)),
    ("leases", rows.forget_leases, timedelta(days=30)),
    ("read_grants", rows.forget_read_grants, timedelta(days=30)),
    ("commands", rows.forget_commands, timedelta(days=30)),
    ("alerts", rows.forget_alerts, timedelta(days=90)),
    ("lines", rows.forget_lines, timedelta(days=90)),
    ("jobs", rows.forget_jobs, timedelta(days=800)),
)


def clean(plane: Plane) -> dict[str, int]:
    """How many rows of each kind were forgotten. Each in a transaction of its own, to be short."""
    now = plane.clock.now()
    forgotten = {}
    for name, forget, age in _KEPT:
        with plane.database.write() as db:
            forgotten[name] = forget(db, now - age)
    return forgotten
