"""One source's connection at a site: what it asks for, and the logs it sends."""

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.replication import link_frames as frames
from holdfast.replication.link_channel import Channel, Frame
from holdfast.replication.link_errors import (
    LinkGarbled,
    LinkLost,
    LinkVersionsDiffer,
    NotGranted,
    RequestNotUnderstood,
    SiteBusy,
    SiteFault,
    SiteStopping,
    SourceCertificateExpired,
    SourceRevoked,
)
from holdfast.replication.link_frames import Answer, Ask, Data, Greeting, Hello
from holdfast.replication.link_identity import IsRevoked, Shown
from holdfast.replication.link_intakes import Intake, Intakes
from holdfast.replication.link_refusals import refusal_of
from holdfast.replication.link_requests import (
    HASHES_AT_ONCE,
    REQUESTS,
    AskApply,
    AskHashes,
    AskIncoming,
    AskProbe,
    AskProbed,
    Request,
)
from holdfast.replication.link_taking import Taking
from holdfast.replication.link_tunnel import AskTunnel, Doors, Pipe, no_doors
from holdfast.replication.link_tunnel_end import opened_end
from holdfast.replication.link_works import Works
from holdfast.replication.pace import Pace
from holdfast.replication.receiver import Incoming, Receiver

if TYPE_CHECKING:
    from concurrent.futures import Future

_log = logging.getLogger(__name__)
_MOST_ASKED = 256
# Logs of which pieces may come at once, on one connection.
_MOST_STREAMS = 1024
# Answers the other side does not fetch; nothing more is read from it then.
_MOST_POSTED = 2 * frames.LONGEST_PAYLOAD
# Frames in a row before something is written.
_ROW = 16
_WAIT = 1.0
_LINGER = 5.0


class Grants(Protocol):
    def may_write(self, machine: str, vm: str) -> bool:
        """Asked for each request, in the thread that does it, and for no piece of a log."""

    def may_tell(self, machine: str, vm: str) -> bool:
        """Also one whose replica has another source by now: it has to hear where the machine lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the connections of a site share."""

    receiver: Receiver
    grants: Grants
    is_revoked: IsRevoked
    clock: Clock
    works: Works
    intakes: Intakes
    pace: Pace
    doors: Doors = no_doors


class Serving:
    def __init__(self, channel: Channel, who: Shown, parts: Parts) -> None:
        self._channel, self.who, self._parts = channel, who, parts
        self._lock = threading.Lock()
        self._is_greeted = False
        self._is_stopping = self._is_gone = False
        self._asked: Counter[str] = Counter()
        # None: it went wrong or is over, and what still comes of it is thrown away.
        self._streams: dict[int, Intake | None] = {}
        # Why, until they are begun anew: an apply would only say that something is missing.
        self._failed: dict[tuple[str, str], Exception] = {}
        self._probes: dict[int, int] = {}
        # From then on the connection is this and nothing else.
        self._pipe: Pipe | None = None
        self._opened = contextlib.ExitStack()
        self._ends_at: float | None = None
        # What came is more than may come by now.
        self._full_until = float("-inf")
        self._taking = Taking(channel.wake)
        self._looked_at = parts.clock.monotonic()

    def run(self) -> None:
        """Until it is over; raises what ended it, LinkLost also when all is well."""
        self._channel.post(_greeting(self._parts.clock))
        try:
            while not self._is_over():
                self._turn()
        finally:
            self._is_gone = True
            self._opened.close()
            self._taking.close()
            self._parts.intakes.forget(self)

    @property
    def is_tunnel(self) -> bool:
        return self._pipe is not None

    def stop(self) -> None:
        """From any thread: what is asked from now on is refused."""
        self._is_stopping = True

    def end(self, error: HoldfastError) -> None:
        """From any thread: say why, and end."""
        if self._ends_at is None:
            self._channel.post(refusal_of(0, error, what="connection"))
            self._ends_at = self._parts.clock.monotonic() + _LINGER
            self._channel.wake()

    def _is_over(self) -> bool:
        if self._ends_at is None:
            return self._pipe is not None and self._pipe.is_over
        return self._channel.flush() or self._parts.clock.monotonic() > self._ends_at

    def _turn(self) -> None:
        if self._pipe is not None and self._ends_at is None:
            self._pipe.turn()
            self._look_again()
            return
        self._channel.flush()
        if not self._hear():
            self._channel.wait(self._rest(), deaf=self._is_deaf())
        self._channel.beat(deaf=self._taking.is_full or self._is_full())
        self._look_again()

    def _hear(self) -> bool:
        """Whether there may be more."""
        for _ in range(_ROW):
            frame = None if self._is_deaf() else self._channel.receive()
            if frame is None:
                return False
            self._handle(frame)
            if self._pipe is not None:
                return True
        return True

    def _is_deaf(self) -> bool:
        """Nothing more is read until what is here has gone."""
        is_behind = self._taking.is_full or self._channel.posted_bytes > _MOST_POSTED
        return is_behind or self._is_full()

    def _is_full(self) -> bool:
        return self._parts.clock.monotonic() < self._full_until

    def _rest(self) -> float:
        left = self._full_until - self._parts.clock.monotonic()
        return min(_WAIT, left) if left > 0 else _WAIT

    def _pay(self, size: int) -> None:
        """Before the next piece, the share of the site's line that this one has taken.

        The kernel stops the source meanwhile, once its buffers are full.
        """
        wait = self._parts.pace.turn(size)
        if wait != 0.0:
            self._full_until = self._parts.clock.monotonic() + (_WAIT if wait is None else wait)

    def _look_again(self) -> None:
        """A certificate may end, or be taken back, while its connection lasts."""
        now = self._parts.clock.monotonic()
        if now - self._looked_at < self._channel.rhythm.beat:
            return
        self._looked_at = now
        wall = self._parts.clock.now()
        if self._parts.is_revoked(self.who):
            self.end(SourceRevoked(machine=self.who.machine))
        elif wall >= self.who.ends:
            self.end(SourceCertificateExpired(address=self._channel.place, now=wall))

    def _handle(self, frame: Frame) -> None:
        match frame.head:
            case Data(number=number, offset=offset) if self._is_greeted:
                self._take(number, offset, frame.payload)
            case Ask() as ask if self._is_greeted:
                self._ask(ask, bytes(frame.payload))
            case frames.Beat():
                pass
            case Hello() as hello if not self._is_greeted:
                self._greet(hello)
            case _:
                reason = f"a frame of kind {frame.kind.name} at this moment"
                raise LinkGarbled(place=self._channel.place, reason=reason)

    def _greet(self, hello: Hello) -> None:
        if not frames.OLDEST <= hello.version <= frames.VERSION:
            ours, theirs = hello.version, frames.VERSION
            self.end(LinkVersionsDiffer(place=self._channel.place, ours=ours, theirs=theirs))
        self._is_greeted = True

    # Pieces of logs.

    def _take(self, number: int, offset: int, content: memoryview) -> None:
        self._pay(len(content))
        if number in self._probes:
            self._probes[number] += len(content)
        elif self._streams.get(number) is not None:
            self._channel.keep()
            self._taking.put(partial(self._write, number, offset, content))

    def _write(self, number: int, offset: int, content: memoryview) -> None:
        """In the thread for it."""
        intake = self._streams.get(number)
        try:
            if intake is not None:
                intake.take(self, offset, content)
        except Exception as err:
            assert intake is not None
            self._streams[number] = None
            self._failed[intake.vm, intake.sha256] = err
            self._refuse(number, err, what="data")
        finally:
            self._channel.give_back(content)

    # Requests.

    def _ask(self, ask: Ask, content: bytes) -> None:
        try:
            if ask.verb in (AskProbe.verb, AskProbed.verb):
                self._probe(ask, content)
            elif ask.verb == AskTunnel.verb:
                self._tunnel(ask, content)
            else:
                self._begin(ask.number, self._parse(ask.verb, content))
        except Exception as err:
            self._refuse(ask.number, err, what=ask.verb)

    def _parse(self, verb: str, content: bytes) -> Request:
        kind = REQUESTS.get(verb)
        if kind is None:
            raise RequestNotUnderstood(what=verb[:50], reason="there is no such request")
        request: Request = _decoded(verb, content, kind)
        return request

    def _begin(self, number: int, request: Request) -> None:
        if self._is_stopping:
            raise SiteStopping
        with self._lock:
            if self._asked.total() >= _MOST_ASKED:
                raise SiteBusy(count=_MOST_ASKED, what="requests")
            if request.verb == AskHashes.verb and self._asked[request.verb] >= 2 * HASHES_AT_ONCE:
                raise SiteBusy(count=2 * HASHES_AT_ONCE, what="requests for hashes")
            self._asked[request.verb] += 1
        if isinstance(request, AskApply):
            # Behind the pieces of its log.
            self._taking.put(partial(self._work, number, request))
        else:
            self._work(number, request)

    def _work(self, number: int, request: Request) -> None:
        try:
            self._parts.works.begin(
                request.effort,
                partial(self._do, number, request),
                partial(self._done, number, request),
                key=(request.vm, request.sha256) if isinstance(request, AskApply) else None,
            )
        except RuntimeError:
            # Its threads are being stopped.
            self._refuse(number, SiteStopping(), what=request.verb)

    def _do(self, number: int, request: Request) -> Any:
        """In a thread for it."""
        if self._is_gone:
            # Nobody waits for it any more; what is still wanted is asked for again.
            raise LinkLost(place=self._channel.place, reason="its source is gone")
        grants = self._parts.grants
        may = grants.may_tell if request.only_tells else grants.may_write
        if not may(self.who.machine, request.vm):
            raise NotGranted(machine=self.who.machine, vm=request.vm)
        if isinstance(request, AskIncoming):
            return self._open(number, request)
        if isinstance(request, AskApply):
            self._require_whole(request)
        return request.put_to(self._parts.receiver, self.who.machine)

    def _require_whole(self, request: AskApply) -> None:
        failed = self._failed.get((request.vm, request.sha256))
        if failed is not None:
            raise failed

    def _open(self, number: int, request: AskIncoming) -> Incoming:
        intake = self._parts.intakes.of(request.vm, request.sha256)
        self._failed.pop((request.vm, request.sha256), None)
        found = intake.begin(self, size=request.size)
        if found.ack is None:
            with self._lock:
                if len(self._streams) >= _MOST_STREAMS:
                    del self._streams[next(iter(self._streams))]
                self._streams[number] = intake
        return found

    def _done(self, number: int, request: Request, future: "Future[Any]") -> None:
        with self._lock:
            self._asked[request.verb] -= 1
        error = _error_of(future)
        if error is not None:
            self._refuse(number, error, what=request.verb)
            return
        if isinstance(request, AskApply):
            self._parts.intakes.applied(request.vm, request.sha256)
        self._answer(number, future.result(), what=request.verb)

    def _probe(self, ask: Ask, content: bytes) -> None:
        if ask.verb == AskProbe.verb:
            if len(self._probes) >= _ROW:
                raise SiteBusy(count=_ROW, what="probes")
            self._probes[ask.number] = 0
            self._answer(ask.number, 0, what=ask.verb)
        else:
            number = _decoded(ask.verb, content, AskProbed).number
            self._answer(ask.number, self._probes.pop(number, 0), what=ask.verb)

    def _tunnel(self, ask: Ask, content: bytes) -> None:
        """Of a connection that has nothing else to do, to a socket that is to be reached now."""
        asked: AskTunnel = _decoded(ask.verb, content, AskTunnel)
        if self._is_stopping:
            raise SiteStopping
        if self._asked.total() or self._streams:
            raise RequestNotUnderstood(what=ask.verb, reason="the connection is in use")
        if not self._parts.grants.may_write(self.who.machine, asked.vm):
            raise NotGranted(machine=self.who.machine, vm=asked.vm)
        path = self._parts.doors(self.who.machine, asked)
        end = self._opened.enter_context(opened_end(asked, path))
        self._answer(ask.number, 0, what=ask.verb)
        self._pipe = Pipe(self._channel, end.local, ask.number, guard=end.guard)

    def _answer(self, number: int, found: object, *, what: str) -> None:
        payload = msgspec.msgpack.encode(found)
        if len(payload) > frames.LONGEST_PAYLOAD:
            error = SiteFault(what=what, reason=f"its answer has {len(payload)} bytes")
            self._refuse(number, error, what=what)
        else:
            self._channel.post(Answer(number), payload)

    def _refuse(self, number: int, error: BaseException, *, what: str) -> None:
        self._channel.post(refusal_of(number, error, what=f"{what} of {self.who.machine}"))


def _greeting(clock: Clock) -> Greeting:
    return Greeting(
        version=frames.VERSION,
        oldest=frames.OLDEST,
        product=version("holdfast"),
        now=clock.now(),
    )


def _decoded(verb: str, content: bytes, kind: Callable[..., Any]) -> Any:
    try:
        found = msgspec.msgpack.decode(content, type=kind)
        if isinstance(found, Request):
            found.check()
    except (msgspec.DecodeError, ValueError, RecursionError) as err:
        raise RequestNotUnderstood(what=verb, reason=err) from err
    return found


def _error_of(future: "Future[Any]") -> BaseException | None:
    if future.cancelled():
        return SiteStopping()
    return future.exception()
