"""So many bytes a second for all that a host sends, by the hours of the week, changeable meanwhile.

The line has a moment from which on it is free. Whoever wants to send takes the next stretch of
time on it and waits for its begin: so several connections share it in the order they come. With
pieces of a quarter second at most, a change of the rate is obeyed within about as much.
"""

import threading
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from holdfast.base.clock import Clock
from holdfast.base.units import KIB
from holdfast.fleet.windows import Rate, parse_window, rate_at
from holdfast.replication.settings import Limit

_STRETCH = 0.25
_LEAST = 4 * KIB
# Who comes late for its turn may catch up this much: threads are never woken on the dot.
_CREDIT = 0.1
_UTC = ZoneInfo("UTC")


class Pace:
    """To be used from any thread; without limits nobody waits."""

    def __init__(self, clock: Clock, limits: Sequence[Limit] = (), zone: ZoneInfo = _UTC) -> None:
        self._clock, self._zone = clock, zone
        self._lock = threading.Lock()
        self.change(limits)

    def change(self, limits: Sequence[Limit], zone: ZoneInfo | None = None) -> None:
        """The first limit whose window it is counts; then the first one without a window."""
        rates = tuple(_rate(limit) for limit in limits if limit.window)
        always = [limit.bytes_per_second for limit in limits if not limit.window]
        with self._lock:
            self._rates, self._zone = rates, zone or self._zone
            # Turns of a slower rate are not waited for.
            self._free = float("-inf")
            self._always = always[0] if always else None
            self._seen: tuple[int | None, datetime | None, datetime] | None = None

    @property
    def rate(self) -> int | None:
        """The bytes a second that hold now; 0 is a pause, None no limit."""
        with self._lock:
            return self._rate()

    def piece(self, most: int) -> int:
        """How many bytes to send at a time."""
        rate = self.rate
        return most if rate is None else min(most, max(_LEAST, int(rate * _STRETCH)))

    def turn(self, size: int) -> float | None:
        """Take a turn for so many bytes; the seconds until its begin. None: nothing may go now."""
        with self._lock:
            rate = self._rate()
            if rate is None:
                return 0.0
            if rate == 0:
                return None
            now = self._clock.monotonic()
            begin = max(self._free, now - _CREDIT)
            self._free = begin + size / rate
            return max(0.0, begin - now)

    def give_back(self, size: int) -> None:
        """Of a turn that was taken and not used."""
        with self._lock:
            rate = self._rate()
            if rate:
                self._free -= size / rate

    def _rate(self) -> int | None:
        if not self._rates:
            return self._always
        now = self._clock.now()
        # A clock that was set back may stand in another window.
        if self._seen is None or not self._still_holds(now):
            rate, until = rate_at(self._rates, self._always, now=now, zone=self._zone)
            self._seen = rate, until, now
        return self._seen[0]

    def _still_holds(self, now: datetime) -> bool:
        assert self._seen is not None
        _rate_then, until, since = self._seen
        return since <= now and (until is None or now < until)


def _rate(limit: Limit) -> Rate:
    return Rate(window=parse_window(limit.window), rate=limit.bytes_per_second)
