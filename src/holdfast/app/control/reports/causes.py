"""Failures of a week, put together by what was wrong. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

_MOST_NAMES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One job that failed; `is_over` when the same work was done well after it."""

    machine: str
    kind: str
    source: str
    code: str
    sentence: str
    remedy: str
    at: datetime
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    # The doctor's cause, if it found one; else the code of the error.
    code: str
    # As the newest of them said it.
    sentence: str
    remedy: str
    count: int
    # What kinds of jobs it ended, and on which machines; of many the first ten are named.
    kinds: list[str]
    machines: list[str]
    machine_count: int
    first_at: datetime
    last_at: datetime
    # All that failed was done well since.
    is_over: bool


def grouped(failures: Iterable[Failure]) -> list[CauseView]:
    """What is not over comes first, and then what happened most."""
    found: dict[str, list[Failure]] = {}
    for one in failures:
        found.setdefault(one.code, []).append(one)
    causes = [_cause(code, some) for code, some in found.items()]
    return sorted(causes, key=lambda one: (one.is_over, -one.count, one.code))


def _cause(code: str, failures: list[Failure]) -> CauseView:
    newest = max(failures, key=lambda one: one.at)
    machines = sorted({one.machine for one in failures if one.machine})
    return CauseView(
        code=code,
        sentence=newest.sentence,
        remedy=newest.remedy,
        count=len(failures),
        kinds=sorted({one.kind for one in failures}),
        machines=machines[:_MOST_NAMES],
        machine_count=len(machines),
        first_at=min(one.at for one in failures),
        last_at=newest.at,
        is_over=all(one.is_over for one in failures),
    )
