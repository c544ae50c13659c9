"""Reading and writing a disk that somebody serves over NBD.

Requests overlap: while one piece travels, the server reads the next ones. Bytes go from the
socket straight to the buffer of whoever asked. A client is for one thread at a time; several
clients of one export are the way to use several threads.
"""

import contextlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import NamedTuple, Self

from holdfast.base.errors import HoldfastError
from holdfast.disks.errors import (
    DiskContextMissing,
    DiskReadOnly,
    DiskRequestMisaligned,
    DiskRequestOutside,
)
from holdfast.disks.nbd_address import Address, connect
from holdfast.disks.nbd_flight import ZEROES, Flight, Pending
from holdfast.disks.nbd_haggling import Blocks
from holdfast.disks.nbd_opening import open_export
from holdfast.disks.nbd_stream import NbdStream
from holdfast.disks.nbd_wire import (
    BASE_ALLOCATION,
    Command,
    CommandFlag,
    Export,
    Request,
    WireError,
    encode_request,
)
from holdfast.disks.source import Content
from holdfast.disks.spans import Span, pieces

# Larger requests, and more of them, are slower: what travels falls out of the processor's cache.
_REQUEST = 512 << 10
_FLYING = 4
_PIECE = 1 << 20
_DEPTH = 3
# Of requests that carry no bytes: the greatest that is aligned for every server.
_LONGEST = 1 << 30
_PATIENCE = 300.0

Flagged = tuple[Span, int]


class _Coming(NamedTuple):
    """A piece that is being read."""

    span: Span
    buffer: memoryview
    requests: list[Pending]


class NbdClient:
    """A disk of an NBD server, from the moment this is made until it is closed."""

    def __init__(
        self,
        address: Address,
        export: str = "",
        *,
        contexts: Sequence[str] = (BASE_ALLOCATION,),
        patience: float = _PATIENCE,
    ) -> None:
        self._export = export
        self._stream = NbdStream(
            connect(address, patience=patience), place=address, patience=patience
        )
        try:
            self._opened = open_export(self._stream, export, contexts)
        except BaseException:
            self._stream.close()
            raise
        self._flight = Flight(self._stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def size(self) -> int:
        return self._opened.size

    @property
    def can_write(self) -> bool:
        return Export.READ_ONLY not in self._opened.flags

    @property
    def blocks(self) -> Blocks:
        return self._opened.blocks

    @property
    def contexts(self) -> frozenset[str]:
        """Those asked for that the server has."""
        return frozenset(self._opened.contexts)

    def read(self, offset: int, length: int) -> memoryview:
        content = memoryview(bytearray(length))
        self.read_into(offset, content)
        return content

    def read_into(self, offset: int, view: memoryview) -> None:
        self._check(offset, len(view))
        waiting: deque[Pending] = deque()
        with self._landing():
            for start, end in pieces([Span(offset, offset + len(view))], self._fit(_REQUEST)):
                if len(waiting) == _FLYING:
                    self._flight.land(waiting.popleft())
                waiting.append(self._flight.read(start, view[start - offset : end - offset]))
            for pending in waiting:
                self._flight.land(pending)

    def read_many(
        self, spans: Iterable[Span], *, piece: int = _PIECE, depth: int = _DEPTH
    ) -> Generator[tuple[Span, memoryview], None, None]:
        """The content of the spans in their order, in pieces of at most `piece` bytes.

        What is yielded is good until the next piece is asked for: its buffer is used again.
        """
        # No matter how much the server takes at once: a piece is asked for in several requests.
        low = self.blocks.minimum
        longest = max(low, piece // low * low)
        free = [memoryview(bytearray(longest)) for _number in range(depth)]
        waiting: deque[_Coming] = deque()
        with self._landing():
            for span in pieces(spans, longest):
                if not free:
                    yield self._landed(waiting[0])
                    free.append(waiting.popleft().buffer)
                waiting.append(self._ask_for(span, free.pop()))
            for coming in waiting:
                yield self._landed(coming)

    def status(self, context: str, span: Span) -> list[Flagged]:
        """The span in extents with their flags; neighbours have different ones."""
        number = self._opened.contexts.get(context)
        if number is None:
            raise DiskContextMissing(
                place=self._stream.place, context=context, export=repr(self._export)
            )
        self._check(span.start, span.length)
        result: list[Flagged] = []
        at = span.start
        with self._landing():
            while at < span.end:
                at = self._walk(number, Span(at, span.end), result)
        return result

    def write(self, offset: int, content: Content) -> None:
        self.write_many([(offset, content)])

    def write_many(self, parts: Iterable[tuple[int, Content]]) -> None:
        """Write each content at its offset; a buffer is free when the next part is asked for."""
        waiting: deque[Pending] = deque()
        with self._landing():
            for offset, content in parts:
                self._check(offset, len(content), is_write=True)
                view = memoryview(content)
                whole = Span(offset, offset + len(content))
                for start, end in pieces([whole], self._fit(_REQUEST)):
                    if len(waiting) == _FLYING:
                        self._flight.land(waiting.popleft())
                    part = view[start - offset : end - offset]
                    waiting.append(self._flight.write(start, part))
            for pending in waiting:
                self._flight.land(pending)

    def write_zeroes(self, offset: int, length: int, *, may_unmap: bool = True) -> None:
        """Make it read as zeroes; unless it must stay allocated, as a hole where one can be."""
        whole = Span(offset, offset + length)
        if Export.WRITE_ZEROES in self._opened.flags:
            flags = 0 if may_unmap else CommandFlag.NO_HOLE
            self._order(Command.WRITE_ZEROES, whole, flags=flags)
        else:
            self.write_many((s.start, ZEROES[: s.length]) for s in pieces([whole], len(ZEROES)))

    def trim(self, offset: int, length: int) -> None:
        """Say that nobody needs what is there; a server that cannot forget it keeps it."""
        if Export.TRIM in self._opened.flags:
            self._order(Command.TRIM, Span(offset, offset + length))

    def flush(self) -> None:
        """What was written is durable afterwards."""
        if Export.FLUSH in self._opened.flags:
            self._flight.land(self._flight.ask(Command.FLUSH))

    def close(self) -> None:
        if self._stream.is_open:
            with contextlib.suppress(HoldfastError):
                self._stream.send(encode_request(Request(Command.DISCONNECT, 0, 0, 0)))
        self._stream.close()

    def _order(self, command: Command, span: Span, *, flags: int = 0) -> None:
        self._check(span.start, span.length, is_write=True)
        for part in pieces([span], _LONGEST):
            self._flight.land(self._flight.ask(command, part.start, part.length, flags=flags))

    def _walk(self, context: int, span: Span, result: list[Flagged]) -> int:
        """Learn of at least one more extent; where the known part of the span ends."""
        length = min(span.length, _LONGEST)
        pending = self._flight.land(self._flight.ask(Command.BLOCK_STATUS, span.start, length))
        if context not in pending.extents:
            self._stream.malformed(WireError("a block status without the context asked for"))
        at = span.start
        for extent, flags in pending.extents[context]:
            end = min(at + extent, span.end)
            if result and result[-1][1] == flags:
                result[-1] = Span(result[-1][0].start, end), flags
            elif at < end:
                result.append((Span(at, end), flags))
            at = end
        return at

    def _ask_for(self, span: Span, buffer: memoryview) -> _Coming:
        self._check(span.start, span.length)
        requests = [
            self._flight.read(start, buffer[start - span.start : end - span.start])
            for start, end in pieces([span], self._fit(_REQUEST))
        ]
        return _Coming(span, buffer, requests)

    def _landed(self, coming: _Coming) -> tuple[Span, memoryview]:
        for pending in coming.requests:
            self._flight.land(pending)
        return coming.span, coming.buffer[: coming.span.length].toreadonly()

    @contextlib.contextmanager
    def _landing(self) -> Iterator[None]:
        """However it ends, nothing of it is under way afterwards."""
        try:
            yield
        except KeyboardInterrupt:
            # A server that says nothing may be what somebody is tired of: it is not waited for.
            self._stream.close()
            raise
        finally:
            with contextlib.suppress(HoldfastError):
                self._flight.abandon()

    def _fit(self, wanted: int) -> int:
        """The greatest length up to that which the server takes."""
        low, _preferred, most = self.blocks
        return max(low, min(wanted, most) // low * low)

    def _check(self, offset: int, length: int, *, is_write: bool = False) -> None:
        seen = {"place": self._stream.place, "offset": offset, "length": length}
        if is_write and not self.can_write:
            raise DiskReadOnly(place=self._stream.place)
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DiskRequestOutside(**seen, size=self.size)
        if (offset | length) % self.blocks.minimum:
            raise DiskRequestMisaligned(**seen, block=self.blocks.minimum)
