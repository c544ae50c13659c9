"""Frames over one TLS connection: read and written by a single thread, which never waits in either.

OpenSSL allows one thread at a time, and both sides have to say things at any moment. So one thread
owns the connection, and others leave what they have to say and wake it.
"""

import contextlib
import os
import select
import ssl
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.replication import link_frames as frames
from holdfast.replication.link_errors import LinkGarbled, LinkLost, LinkSilent
from holdfast.replication.link_frames import Beat, Begin, Garbled, Head, Kind, Rhythm

# Pieces of memory that wait to be used again.
_MOST_KEPT = 8


class Frame(NamedTuple):
    """`payload` is good until the next frame is received."""

    kind: Kind
    head: Head
    payload: memoryview


class Channel:
    """`trouble_of` says what an error of the connection means to whoever uses it."""

    def __init__(
        self,
        connection: ssl.SSLSocket,
        clock: Clock,
        *,
        place: str,
        rhythm: Rhythm = frames.USUAL,
        trouble_of: Callable[[OSError], HoldfastError] | None = None,
    ) -> None:
        connection.settimeout(0)
        self.place = place
        self.rhythm = rhythm
        self._connection, self._clock = connection, clock
        self._trouble_of = trouble_of or self._lost
        self._incoming = _Incoming()
        self._posted: deque[bytes] = deque()
        self._posted_bytes = 0
        self._lock = threading.Lock()
        self._writing = memoryview(b"")
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._heard = self._said = clock.monotonic()

    # Of any thread.

    def post(self, head: Head, payload: bytes = b"") -> None:
        """Have it sent before anything else that has not begun to be; lost if it is closed."""
        framed = frames.encode(head, len(payload)) + payload
        with self._lock:
            self._posted.append(framed)
            self._posted_bytes += len(framed)
        self.wake()

    def wake(self) -> None:
        with self._lock:
            # Once it is closed its number may be that of another file.
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    @property
    def posted_bytes(self) -> int:
        """Not yet taken by the other side."""
        return self._posted_bytes

    # Of the thread that owns it.

    def flush(self) -> bool:
        """Send what can be sent now; whether all of it went."""
        while True:
            if not self._writing and not self._next_posted():
                return True
            try:
                sent = self._connection.send(self._writing)
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return False
            except OSError as err:
                raise self._trouble_of(err) from err
            self._writing = self._writing[sent:]
            self._said = self._clock.monotonic()

    def send(self, framed: memoryview) -> bool:
        """A whole frame, once all before it has gone; it must not be changed until flush says so."""
        assert not self._writing
        self._writing = framed
        return self.flush()

    def receive(self) -> Frame | None:
        """The next frame, if all of it is here."""
        try:
            return self._incoming.advance(self._fill)
        except Garbled as err:
            raise LinkGarbled(place=self.place, reason=err) from err

    def keep(self) -> None:
        """The payload received last stays good until it is given back."""
        self._incoming.keep()

    def give_back(self, payload: memoryview) -> None:
        """From any thread."""
        self._incoming.give_back(payload)

    def wait(
        self, seconds: float, *, deaf: bool = False, beside: tuple[int, int] | None = None
    ) -> None:
        """Until something comes, can be sent, or was posted; and not for long.

        `beside` is another descriptor and the events of it that end the waiting as well.
        """
        events = (0 if deaf else select.POLLIN) | (select.POLLOUT if self._writing else 0)
        self._poll.register(self._connection, events)
        # What the poll has not seen is looked at in between: beats, and whether the other side does.
        if beside is not None:
            self._poll.register(*beside)
        self._poll.poll(min(seconds, self.rhythm.beat / 2) * 1000)
        if beside is not None:
            self._poll.unregister(beside[0])
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)

    def beat(self, *, deaf: bool = False) -> None:
        """Say that we are there, if nothing else said so; notice that the other side does not.

        Who is deaf hears nothing of what the other side may say.
        """
        now = self._clock.monotonic()
        if deaf:
            self._heard = now
        if now - self._heard > self.rhythm.silence:
            raise LinkSilent(place=self.place, seconds=int(now - self._heard))
        if now - self._said >= self.rhythm.beat and not self._writing and not self._posted:
            self._said = now
            self.post(Beat())

    def close(self) -> None:
        with self._lock:
            wake, self._wake = self._wake, -1
        if wake >= 0:
            os.close(wake)
        self._connection.close()

    def _next_posted(self) -> bool:
        with self._lock:
            if not self._posted:
                return False
            framed = self._posted.popleft()
            self._posted_bytes -= len(framed)
        self._writing = memoryview(framed)
        return True

    def _fill(self, view: memoryview) -> int:
        try:
            taken = self._connection.recv_into(view)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError as err:
            raise self._trouble_of(err) from err
        if not taken:
            raise LinkLost(place=self.place, reason="the other side ended it")
        self._heard = self._clock.monotonic()
        return taken

    def _lost(self, err: OSError) -> LinkLost:
        return LinkLost(place=self.place, reason=err.strerror or err)


class _Incoming:
    """A frame as it comes together, and the memory it comes together in."""

    def __init__(self) -> None:
        self._opening = memoryview(bytearray(frames.BEGIN_BYTES + frames.LONGEST_HEAD))
        self._space = bytearray()
        self._spaces: deque[bytearray] = deque(maxlen=_MOST_KEPT)
        self._begin: Begin | None = None
        self._filled = 0

    def advance(self, fill: Callable[[memoryview], int]) -> Frame | None:
        """`fill` puts bytes into what it is given and says how many; 0: there are none now."""
        while (wanted := self._wanted()) is not None:
            if not (taken := fill(wanted)):
                return None
            self._filled += taken
            if self._begin is None and self._filled == frames.BEGIN_BYTES:
                self._begin = frames.parse_begin(self._opening[: frames.BEGIN_BYTES])
                self._make_room(self._begin.payload_length)
        return self._whole()

    def _wanted(self) -> memoryview | None:
        """Where the next bytes go; None: the frame is whole."""
        begin = self._begin
        if begin is None:
            return self._opening[self._filled : frames.BEGIN_BYTES]
        opening = frames.BEGIN_BYTES + begin.head_length
        if self._filled < opening:
            return self._opening[self._filled : opening]
        if self._filled < opening + begin.payload_length:
            return memoryview(self._space)[self._filled - opening : begin.payload_length]
        return None

    def _whole(self) -> Frame:
        begin = self._begin
        assert begin is not None
        opening = self._opening[frames.BEGIN_BYTES : frames.BEGIN_BYTES + begin.head_length]
        head = frames.parse_head(begin.kind, opening)
        self._begin, self._filled = None, 0
        return Frame(begin.kind, head, memoryview(self._space)[: begin.payload_length])

    def keep(self) -> None:
        # Made anew each time, memory costs as much as the rest.
        self._space = self._spaces.popleft() if self._spaces else bytearray()

    def give_back(self, payload: memoryview) -> None:
        if isinstance(payload.obj, bytearray):
            self._spaces.append(payload.obj)

    def _make_room(self, size: int) -> None:
        # What a long answer needed is not kept for ever.
        if size > len(self._space) or len(self._space) > frames.LONGEST_PIECE:
            self._space = bytearray(size)
