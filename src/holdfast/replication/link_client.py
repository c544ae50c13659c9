"""A site on another host, as a Receiver: for many machines at once, over one connection.

What was interrupted goes on by itself for `patience` seconds without any progress; then it is the
caller's turn, whose retries take longer. Everything may be asked twice, and a log goes on where
the site says that it has not got any more of it.
"""

import copy
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self, TypeVar

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.replication import link_errors as errors
from holdfast.replication import link_requests as requests
from holdfast.replication.adoption import MOST_BYTES, Adopted, AdoptWish, LookWish, WayBack
from holdfast.replication.link_connecting import USUAL, Met, Patience, Way
from holdfast.replication.link_frames import Refusal
from holdfast.replication.link_identity import IsRevoked, LinkIdentity, nobody_revoked
from holdfast.replication.link_line import Line, decoded
from holdfast.replication.link_logs import Sealed, reading
from holdfast.replication.link_probing import PROBE_BYTES, PROBE_SECONDS, Probing
from holdfast.replication.link_refusals import error_of
from holdfast.replication.link_sending import Sending, no_progress
from holdfast.replication.link_tunnels import Tunnels
from holdfast.replication.pace import Pace
from holdfast.replication.receiver import Ack, Incoming, Prepared, Probe, ReplicaWish, SeedWish
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.settings import SiteAddress
from holdfast.replication.site_orders import SiteOrder, SourceTidings

_T = TypeVar("_T")
# The link is mended by connecting again; of the rest some is for the caller's retries.
_MENDED = (
    errors.LinkLost,
    errors.LinkSilent,
    errors.SiteUnreachable,
    errors.SiteStopping,
    errors.LogNotOpen,
)
# Who comes within this time of a failure is told of it, and does not try the same again.
_FRESH = 0.2
_RANGE = 256 * MIB
_PIECE = MIB


class Peer:
    """To be used from any thread."""

    def __init__(
        self,
        address: SiteAddress,
        identity: LinkIdentity,
        *,
        clock: Clock,
        pace: Pace | None = None,
        is_revoked: IsRevoked = nobody_revoked,
        patience: Patience = USUAL,
    ) -> None:
        self._way = Way(
            address=address,
            identity=identity,
            is_revoked=is_revoked,
            clock=clock,
            patience=patience,
        )
        self._clock, self._pace = clock, pace or Pace(clock)
        self._patience = patience
        self._closed = threading.Event()
        self._connecting = threading.Lock()
        self._hashing = threading.Semaphore(requests.HASHES_AT_ONCE)
        self._line: Line | None = None
        self._met: Met | None = None
        self._failure: tuple[HoldfastError, float] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Whoever waits for something is told LinkClosed."""
        self._closed.set()
        with self._connecting:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def hello(self) -> Met:
        """Who answers; it is connected to anew only if it is not connected."""
        self._trying(self._connected)
        assert self._met is not None
        return self._met

    def state(self, vm: str) -> ReplicaFacts | None:
        found: ReplicaFacts | None = self._asked(requests.AskState(vm=vm), ReplicaFacts | None)
        return found

    def prepare(self, wish: ReplicaWish) -> Prepared:
        return self._ask(requests.AskPrepare(vm=wish.vm, wish=wish), Prepared)

    def incoming(self, vm: str, sha256: str, *, size: int) -> Incoming:
        return self._ask(requests.AskIncoming(vm=vm, sha256=sha256, size=size), Incoming)

    def take(self, vm: str, sha256: str, *, offset: int, content: memoryview) -> None:
        """One piece, and its answer: `send` is many times as fast."""
        for start in range(0, len(content), _PIECE):
            part = bytes(content[start : start + _PIECE])
            request = requests.AskTake(vm=vm, sha256=sha256, offset=offset + start, content=part)
            self._ask(request, type(None))

    def apply(self, vm: str, sha256: str) -> Ack:
        return self._ask(requests.AskApply(vm=vm, sha256=sha256), Ack)

    def hashes(self, vm: str, target: str, *, start: int, length: int, chunk: int) -> bytes:
        step = max(chunk, min(_RANGE, requests.MOST_HASHES * chunk) // chunk * chunk)
        parts = []
        for begin in range(start, start + length, step):
            size = min(step, start + length - begin)
            request = requests.AskHashes(
                vm=vm, target=target, start=begin, length=size, chunk=chunk
            )
            with self._hashing:
                parts.append(self._ask(request, bytes))
        return b"".join(parts)

    def seed(self, vm: str, wish: SeedWish) -> ReplicaFacts:
        return self._ask(requests.AskSeed(vm=vm, wish=wish), ReplicaFacts)

    def remove(self, vm: str) -> None:
        self._ask(requests.AskRemove(vm=vm), type(None))

    def pin(self, vm: str, generation: str, *, who: str, until: datetime | None = None) -> None:
        request = requests.AskPin(vm=vm, generation=generation, who=who, until=until)
        self._ask(request, type(None))

    def unpin(self, vm: str, generation: str, *, who: str) -> None:
        self._ask(requests.AskUnpin(vm=vm, generation=generation, who=who), type(None))

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted:
        return self._ask(requests.AskAdopt(vm=vm, wish=wish), Adopted)

    def look(self, vm: str, wish: LookWish) -> tuple[HoldfastError, ...]:
        found = self._ask(requests.AskLook(vm=vm, wish=wish), tuple[Refusal, ...])
        return tuple(error_of(each) for each in found)

    def way_back(self, vm: str, *, machine: str = "") -> WayBack:  # noqa: ARG002  shown by our certificate
        return self._ask(requests.AskWayBack(vm=vm), WayBack)

    def suspects(self, vm: str, target: str, *, start: int, length: int) -> bytes:
        parts = []
        for begin in range(start, start + length, MOST_BYTES):
            size = min(MOST_BYTES, start + length - begin)
            request = requests.AskSuspects(vm=vm, target=target, start=begin, length=size)
            parts.append(self._ask(request, bytes))
        return b"".join(parts)

    def tidings(self, vm: str, told: SourceTidings, *, machine: str = "") -> SiteOrder:  # noqa: ARG002  shown by our certificate
        """Said once: what comes after a while of trying is of before, and is taken for new."""
        order: SiteOrder = self._asked_once(requests.AskTidings(vm=vm, told=told), SiteOrder)
        return order

    def send(
        self,
        vm: str,
        log: Sealed,
        *,
        priority: int = 0,
        progress: Callable[[int], None] = no_progress,
    ) -> Ack:
        """Bring a log to the site and have it applied there; machines with more priority go first.

        `progress` is told how far it is, in another thread, and has to be quick.
        """
        with reading(log) as fill:
            sending = Sending(vm, log, fill, priority=priority, progress=progress)
            return self._trying(lambda: sending.over(self._connected()), sending.reached)

    def probe(
        self, *, size: int = PROBE_BYTES, seconds: float = PROBE_SECONDS, limit: int | None = None
    ) -> Probe:
        """What the link carries: so many bytes, or what goes in the time; `limit` a second at most.

        Replications go first, but for one turn in eight.
        """
        line = self._trying(self._connected)
        return Probing(line, self._clock, self._pace).run(size=size, seconds=seconds, limit=limit)

    def tunnels(self, vm: str, act: str) -> Tunnels:
        """To what of the site a machine that moves there needs; each is a connection of its own."""
        return Tunnels(self._way, vm=vm, act=act)

    def _ask(self, request: requests.Request, kind: type[_T]) -> _T:
        found: _T = self._asked(request, kind)
        return found

    def _asked(self, request: requests.Request, kind: Any) -> Any:
        return self._trying(lambda: self._asked_once(request, kind))

    def _asked_once(self, request: requests.Request, kind: Any) -> Any:
        _number, answer = self._connected().ask(request.verb, request)
        return decoded(answer, kind, self._way.place)

    def _trying(self, act: Callable[[], _T], reached: Callable[[], int] = lambda: 0) -> _T:
        """Again while the link can be mended; what `reached` says growing is progress."""
        patience = self._patience
        waits, so_far = iter(patience.waits), 0
        deadline = self._clock.monotonic() + patience.seconds
        while True:
            try:
                return act()
            except _MENDED as err:
                now = self._clock.monotonic()
                if reached() > so_far:
                    waits, so_far = iter(patience.waits), reached()
                    deadline = now + patience.seconds
                wait = next(waits, patience.waits[-1])
                if now + wait > deadline or self._closed.wait(wait):
                    raise err  # noqa: TRY201  what the closing adds would only confuse

    def _connected(self) -> Line:
        """The line there is, or a new one; one caller connects, and the others wait for that."""
        with self._connecting:
            if self._closed.is_set():
                raise errors.LinkClosed(place=self._way.place)
            if self._line is not None and not self._line.is_over:
                return self._line
            self._tell_of_failure()
            try:
                channel, self._met = self._way.connect()
            except HoldfastError as err:
                self._failure = err, self._clock.monotonic()
                raise
            self._line = Line(channel, self._clock, self._pace, idle=self._patience.idle)
            return self._line

    def _tell_of_failure(self) -> None:
        """Who waited while another could not connect does not try the same once more."""
        if self._failure is not None:
            error, at = self._failure
            if self._clock.monotonic() - at < _FRESH:
                raise copy.copy(error)
