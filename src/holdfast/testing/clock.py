"""A clock that jumps instead of waiting."""

from datetime import UTC, datetime, timedelta

from holdfast.base.clock import SystemClock

_START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    def __init__(self, start: datetime = _START) -> None:
        self._now = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds

    def jump(self, by: timedelta) -> None:
        """Move the wall clock alone, as an operator or a wild NTP would."""
        self._now += by


class SetClock(SystemClock):
    """A real one of a host whose time somebody sets."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead
