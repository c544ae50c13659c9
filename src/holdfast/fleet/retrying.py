"""What went wrong for a reason that passes is tried again, after a wait that grows."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from holdfast.base.units import parse_duration

# As a policy has them, which may say otherwise: the first waits one by one, then always the last.
FIRST = ("1m", "2m", "4m", "8m", "10m")
THEN = "30m"
RETRIES = 20


def read_waits(first: Iterable[str], then: str) -> tuple[timedelta, ...]:
    return tuple(parse_duration(text) for text in (*first, then))


LADDER = read_waits(FIRST, THEN)


def wait_after(failures: int, waits: Sequence[timedelta] = LADDER) -> timedelta:
    """How long to wait after so many failures; the last wait comes again and again."""
    return waits[min(failures, len(waits)) - 1]
