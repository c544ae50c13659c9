"""What the steps of workflows work with. They are plain functions, found by name after a crash."""

from dataclasses import dataclass, field
from datetime import timedelta

from holdfast.app.control.alert_watch import Limits as AlertLimits
from holdfast.app.control.job_watch import SILENCE
from holdfast.app.control.plane import Plane

# Counts up when workflows change so that one begun before could not be finished.
VERSION = "1"
WATCH = "holdfast-watch"
WORK = "holdfast-work"
# Plans wait for hosts and for people, and must not keep others from their turn.
PLANS = "holdfast-plans"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long is too long."""

    silence: timedelta = SILENCE
    # Server processes say every `beat` that they live; who has not for `dead` is taken over.
    beat: timedelta = timedelta(seconds=1)
    dead: timedelta = timedelta(seconds=5)
    # Work that was begun so often in a row without an end has killed its servers.
    beginnings: int = 5
    alerts: AlertLimits = field(default_factory=AlertLimits)
    # How long workflows that ended are kept.
    finished: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    plane: Plane
    executor_id: str
    limits: Limits = field(default_factory=Limits)


_held: list[Held] = []


def hold(held: Held | None) -> None:
    _held[:] = [held] if held else []


def held() -> Held:
    assert _held, "workflows run between start and stop"
    return _held[0]


def plane() -> Plane:
    return held().plane


def workflow_of(job_id: str) -> str:
    """One job, one workflow: asked for twice it is the same."""
    return f"job-{job_id}"
