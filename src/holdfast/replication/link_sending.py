"""One log on its way to a site, over as many connections as it takes."""

from collections.abc import Callable

from holdfast.replication.link_errors import LinkGarbled
from holdfast.replication.link_line import Fill, Flow, Line, decoded
from holdfast.replication.link_logs import Sealed
from holdfast.replication.link_requests import AskApply, AskIncoming
from holdfast.replication.log_errors import LogDamaged, LogTorn
from holdfast.replication.receiver import Ack, Incoming


def no_progress(_bytes: int) -> None:
    """Nobody looks."""


class Sending:
    def __init__(
        self,
        vm: str,
        log: Sealed,
        fill: Fill,
        *,
        priority: int = 0,
        progress: Callable[[int], None] = no_progress,
    ) -> None:
        self._vm, self._log, self._read = vm, log, fill
        self._priority, self._progress = priority, progress
        self._reached = 0
        self._is_second = False

    def reached(self) -> int:
        """How much of it was on its way at most."""
        return self._reached

    def over(self, line: Line) -> Ack:
        """What this connection still has to bring, and the apply, which must come behind it."""
        log = self._log
        asked = AskIncoming(vm=self._vm, sha256=log.hash, size=log.size)
        number, answer = line.ask(AskIncoming.verb, asked)
        found: Incoming = decoded(answer, Incoming, line.place)
        if found.ack is not None:
            return self._checked(found.ack, line)
        span = range(min(max(found.present, 0), log.size), log.size)
        line.feed(Flow(self._vm, number, self._fill, span=span, priority=self._priority))
        try:
            _number, answer = line.ask(AskApply.verb, AskApply(vm=self._vm, sha256=log.hash))
        except (LogDamaged, LogTorn):
            # What is present there was not what was sent, as after a power cut; it is thrown away.
            if self._is_second:
                raise
            self._is_second = True
            return self.over(line)
        return self._checked(decoded(answer, Ack, line.place), line)

    def _fill(self, offset: int, view: memoryview) -> None:
        self._read(offset, view)
        self._reached = max(self._reached, offset + len(view))
        self._progress(offset + len(view))

    def _checked(self, ack: Ack, line: Line) -> Ack:
        if ack.hash != self._log.hash:
            raise LinkGarbled(place=line.place, reason="an acknowledgement of another log")
        self._progress(self._log.size)
        return ack
