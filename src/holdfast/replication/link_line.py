"""A source's connection to a site: a thread that sends what callers have for it, and hears answers.

Requests go out at once; pieces of logs as their turn comes and the pace allows. When the
connection ends, everybody who waits is told why; what is done about that is the Peer's.
"""

import copy
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB
from holdfast.replication import link_frames as frames
from holdfast.replication.fair_sending import FairTurns
from holdfast.replication.link_channel import Channel, Frame
from holdfast.replication.link_errors import (
    LinkClosed,
    LinkGarbled,
    LinkLost,
    SiteFault,
    SiteRefusesCertificate,
    SourceCertificateExpired,
    SourceRevoked,
)
from holdfast.replication.link_frames import Answer, Ask, Beat, Data, Refusal
from holdfast.replication.link_refusals import error_of
from holdfast.replication.pace import Pace

_log = logging.getLogger(__name__)
# Small enough that nobody waits long for a turn, great enough to be no burden.
PIECE = 256 * KIB
# When nothing may be sent now, how soon to ask again.
_PAUSE = 0.5
_WAIT = 1.0
_ROW = 16

# Puts what belongs at this place of a log into all of what it is given.
Fill = Callable[[int, memoryview], None]


class Flow:
    """A part of a log on its way; it belongs to the connection its number was given on."""

    def __init__(self, vm: str, number: int, fill: Fill, *, span: range, priority: int) -> None:
        self.vm, self.number, self.priority = vm, number, priority
        self.fill = fill
        self.offset, self.end = span.start, span.stop
        self.error: HoldfastError | None = None
        self.done = threading.Event()

    def finish(self, error: HoldfastError | None = None) -> None:
        self.error = error
        self.done.set()


class _Call:
    def __init__(self) -> None:
        self.answer: bytes | None = None
        self.error: HoldfastError | None = None
        self.done = threading.Event()


class Line:
    def __init__(self, channel: Channel, clock: Clock, pace: Pace, *, idle: float) -> None:
        self._channel, self._clock, self._pace, self._idle = channel, clock, pace, idle
        self.place = channel.place
        self.sent_bytes = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        # Under the lock.
        self._calls: dict[int, _Call] = {}
        self._coming: deque[Flow] = deque()
        self._going: deque[Flow] = deque()
        self._ended: HoldfastError | None = None
        self._is_closing = False
        # Of the thread.
        self._turns: FairTurns[Flow] = FairTurns()
        self._space = memoryview(bytearray(KIB + PIECE))
        self._sending: tuple[Flow, int] | None = None
        self._allowed = 0
        self._not_before = 0.0
        self._busy_at = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name="site-link", daemon=True)
        self._thread.start()

    # Of any thread.

    @property
    def is_over(self) -> bool:
        return self._ended is not None

    def ask(self, verb: str, request: object) -> tuple[int, bytes]:
        """What was answered, as it came, and the number it has; however long that takes."""
        payload = msgspec.msgpack.encode(request)
        call = _Call()
        with self._lock:
            self._require_life()
            number = next(self._numbers)
            self._calls[number] = call
        self._channel.post(Ask(number, verb), payload)
        call.done.wait()
        if call.error is not None:
            raise call.error
        assert call.answer is not None
        return number, call.answer

    def feed(self, flow: Flow, seconds: float | None = None) -> None:
        """Send it all, or what goes within so many seconds."""
        with self._lock:
            self._require_life()
            self._coming.append(flow)
        self._channel.wake()
        if not flow.done.wait(seconds):
            with self._lock:
                self._going.append(flow)
            self._channel.wake()
            flow.done.wait()
        if flow.error is not None:
            raise flow.error

    def close(self) -> None:
        self._is_closing = True
        self._channel.wake()
        self._thread.join()

    def _require_life(self) -> None:
        if self._ended is not None:
            raise copy.copy(self._ended)

    # Of its own thread.

    def _run(self) -> None:
        error: HoldfastError = LinkClosed(place=self.place)
        try:
            while not self._is_closing:
                self._require_use()
                self._turn()
        except HoldfastError as err:
            error = err
        except Exception as err:
            _log.exception("a mistake while speaking to %s", self._channel.place)
            error = SiteFault(what="link", reason=f"{type(err).__name__}: {err}")
        self._end(error)

    def _require_use(self) -> None:
        now = self._clock.monotonic()
        if self._calls or self._turns or self._coming:
            self._busy_at = now
        if now - self._busy_at > self._idle:
            # Whoever comes in this very moment connects anew, as after any other end.
            raise LinkLost(place=self.place, reason="nobody used it")

    def _end(self, error: HoldfastError) -> None:
        with self._lock:
            self._ended = error
            calls, flows = list(self._calls.values()), list(self._coming)
            self._calls.clear()
        while (flow := self._turns.take()) is not None:
            self._turns.remove(flow)
            flows.append(flow)
        self._pace.give_back(self._allowed)
        for call in calls:
            call.error = copy.copy(error)
            call.done.set()
        for flow in flows:
            flow.finish(copy.copy(error))
        self._channel.close()

    def _turn(self) -> None:
        self._hand_over()
        has_sent = self._send()
        if not self._hear() and not has_sent:
            self._channel.wait(self._until_turn())
        self._channel.beat()

    def _hand_over(self) -> None:
        with self._lock:
            coming, self._coming = self._coming, deque()
            going, self._going = self._going, deque()
        for flow in coming:
            if flow.offset < flow.end:
                self._turns.add(flow)
            else:
                flow.finish()
        for flow in going:
            # A piece that has begun goes on its way, whoever still wants it.
            self._over(flow)

    def _over(self, flow: Flow, error: HoldfastError | None = None) -> None:
        self._turns.remove(flow)
        if not flow.done.is_set():
            flow.finish(error)

    # What is sent.

    def _send(self) -> bool:
        """Whether there may be more to send at once."""
        if not self._channel.flush():
            return False
        self._account()
        if not self._turns:
            self._give_back(self._allowed)
            return False
        if not self._may_send():
            return False
        flow = self._turns.take()
        assert flow is not None
        self._send_piece(flow)
        return True

    def _account(self) -> None:
        """The piece before has gone."""
        if self._sending is None:
            return
        flow, size = self._sending
        self._sending = None
        self.sent_bytes += size
        flow.offset += size
        if flow.offset >= flow.end:
            self._over(flow)

    def _may_send(self) -> bool:
        now = self._clock.monotonic()
        if not self._allowed and now >= self._not_before:
            size = self._pace.piece(PIECE)
            wait = self._pace.turn(size)
            self._not_before = now + (_PAUSE if wait is None else wait)
            self._allowed = 0 if wait is None else size
        return self._allowed > 0 and now >= self._not_before

    def _give_back(self, size: int) -> None:
        if size:
            self._pace.give_back(size)
        self._allowed = 0

    def _send_piece(self, flow: Flow) -> None:
        size = min(self._allowed, flow.end - flow.offset)
        opening = frames.encode(Data(flow.number, flow.offset), size)
        whole = self._space[: len(opening) + size]
        whole[: len(opening)] = opening
        try:
            flow.fill(flow.offset, whole[len(opening) :])
        except HoldfastError as err:
            self._over(flow, err)
            return
        self._give_back(self._allowed - size)
        self._sending = flow, size
        self._channel.send(whole)

    def _until_turn(self) -> float:
        if not self._turns:
            return _WAIT
        return max(0.0, self._not_before - self._clock.monotonic()) or _WAIT

    # What is heard.

    def _hear(self) -> bool:
        """Whether there may be more."""
        for _ in range(_ROW):
            frame = self._channel.receive()
            if frame is None:
                return False
            self._handle(frame)
        return True

    def _handle(self, frame: Frame) -> None:
        match frame.head:
            case Answer(number=number):
                self._answered(number, bytes(frame.payload), None)
            case Refusal(number=0) as refusal:
                raise sent_away(refusal, self._channel.place)
            case Refusal(number=number) as refusal:
                self._answered(number, None, error_of(refusal))
            case Beat():
                pass
            case _:
                reason = f"a frame of kind {frame.kind.name} at this moment"
                raise LinkGarbled(place=self._channel.place, reason=reason)

    def _answered(self, number: int, answer: bytes | None, error: HoldfastError | None) -> None:
        with self._lock:
            call = self._calls.pop(number, None)
        if call is not None:
            call.answer, call.error = answer, error
            call.done.set()
        elif error is not None:
            self._fail_flow(number, error)

    def _fail_flow(self, number: int, error: HoldfastError) -> None:
        flow = self._turns.find(lambda one: one.number == number)
        if flow is not None:
            self._over(flow, error)


def sent_away(refusal: Refusal, place: str) -> HoldfastError:
    """Why a site ends a connection, in words for the source."""
    match error_of(refusal):
        case SourceRevoked() as err:
            return SiteRefusesCertificate(place=place, reason=err)
        case SourceCertificateExpired() as err:
            # The one of the files may have been renewed since this connection began.
            return LinkLost(place=place, reason=err)
        case err:
            return err


def decoded(answer: bytes, kind: Any, place: str) -> Any:
    try:
        return msgspec.msgpack.decode(answer, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as err:
        raise LinkGarbled(place=place, reason=err) from err
