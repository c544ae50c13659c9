"""How much a link carries, seen by sending what nobody keeps."""

import os

from holdfast.base.clock import Clock
from holdfast.base.units import MIB
from holdfast.replication.link_line import PIECE, Flow, Line, decoded
from holdfast.replication.link_requests import AskProbe, AskProbed
from holdfast.replication.pace import Pace
from holdfast.replication.receiver import Probe

PROBE_BYTES = 64 * MIB
PROBE_SECONDS = 10.0
_ROUND_TRIPS = 5
_STRETCH = 0.25
# Everything else goes first, but for what a probe is granted anyway.
_LAST = -(1 << 31)
# No machine has this name: it is in line beside them.
_NOBODY = ""


class Probing:
    def __init__(self, line: Line, clock: Clock, pace: Pace) -> None:
        self._line, self._clock, self._pace = line, clock, pace
        # Nothing on the way can make it smaller.
        self._content = memoryview(os.urandom(MIB))

    def run(self, *, size: int, seconds: float, limit: int | None) -> Probe:
        round_trip = min(self._round_trip() for _ in range(_ROUND_TRIPS))
        number, _answer = self._line.ask(AskProbe.verb, AskProbe())
        before, begin = self._line.sent_bytes, self._clock.monotonic()
        self._send(number, size, begin + seconds, limit)
        arrived = self._arrived(number)
        elapsed = self._clock.monotonic() - begin
        return Probe(
            bytes=arrived,
            # The last answer is on its way back when the last byte has long arrived.
            seconds=max(elapsed - round_trip / 2, 1e-6),
            others=max(0, self._line.sent_bytes - before - arrived),
            round_trip_seconds=round_trip,
            limit=self._pace.rate if limit is None else limit,
        )

    def _send(self, number: int, size: int, deadline: float, limit: int | None) -> None:
        step = size if limit is None else max(1, min(PIECE, int(limit * _STRETCH)))
        begin = self._clock.monotonic()
        for start in range(0, size, step):
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return
            span = range(start, min(start + step, size))
            self._line.feed(Flow(_NOBODY, number, self._fill, span=span, priority=_LAST), left)
            if limit is not None:
                due = begin + span.stop / limit
                self._clock.sleep(max(0.0, min(due, deadline) - self._clock.monotonic()))

    def _fill(self, offset: int, view: memoryview) -> None:
        begin = offset % (MIB - PIECE)
        view[:] = self._content[begin : begin + len(view)]

    def _round_trip(self) -> float:
        begin = self._clock.monotonic()
        self._arrived(0)
        return self._clock.monotonic() - begin

    def _arrived(self, number: int) -> int:
        """How much came with the number; the answer comes behind all of it."""
        _number, answer = self._line.ask(AskProbed.verb, AskProbed(number=number))
        return int(decoded(answer, int, self._line.place))
