"""Answering the requests of one NBD client, many at a time."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor

from holdfast.base.errors import HoldfastError
from holdfast.disks import nbd_wire as wire
from holdfast.disks.nbd_greeting import ALLOCATION_NUMBER, Wish
from holdfast.disks.nbd_stream import NbdStream
from holdfast.disks.nbd_wire import (
    Allocation,
    Chunk,
    Command,
    CommandFlag,
    Errno,
    Request,
    WireError,
)
from holdfast.disks.source import DiskSource, Layout
from holdfast.disks.spans import Span

_MOST_AT_ONCE = 16
# Of one answer; whoever wants more asks again.
_MOST_EXTENTS = 1 << 14
_HOLE = Allocation.HOLE | Allocation.ZERO

Complain = Callable[[Exception], None]


class Session:
    """One client that has said what it wants."""

    def __init__(
        self, stream: NbdStream, wish: Wish, source: DiskSource, *, layout: Layout
    ) -> None:
        self._stream = stream
        self._wish = wish
        self._source = source
        self._layout = layout
        self._sending = threading.Lock()
        self._slots = threading.Semaphore(_MOST_AT_ONCE)

    def run(self, crew: Executor, complain: Complain) -> None:
        """Answer until the client leaves; nothing of it is at work afterwards."""
        try:
            while True:
                request = wire.decode_request(self._stream.receive(wire.REQUEST_SIZE))
                if request.command == Command.DISCONNECT:
                    return
                self._take(request, crew, complain)
        except WireError as err:
            self._stream.malformed(err)
        finally:
            for _number in range(_MOST_AT_ONCE):
                self._slots.acquire()

    def _take(self, request: Request, crew: Executor, complain: Complain) -> None:
        match request.command:
            case Command.READ | Command.BLOCK_STATUS if not self._is_inside(request):
                self._refuse(request, Errno.EINVAL)
            case Command.READ if request.length > wire.LONGEST_PAYLOAD:
                self._refuse(request, Errno.EOVERFLOW)
            case Command.READ:
                self._hand_over(request, crew, complain)
            case Command.BLOCK_STATUS:
                self._tell_status(request)
            case Command.WRITE:
                self._swallow(request.length)
                self._refuse(request, Errno.EPERM)
            case Command.TRIM | Command.WRITE_ZEROES:
                self._refuse(request, Errno.EPERM)
            case Command.FLUSH:
                self._send(wire.encode_simple(request.cookie))
            case _:
                self._refuse(request, Errno.EINVAL)

    def _hand_over(self, request: Request, crew: Executor, complain: Complain) -> None:
        parts = list(self._layout.parts(_span(request)))
        if self._wish.is_structured and not any(is_data for _part, is_data in parts):
            # No thread has to wait for a hole.
            self._send_parts(request, parts)
            return
        self._slots.acquire()
        try:
            crew.submit(self._answer, request, parts, complain)
        except RuntimeError:
            # The server is being stopped; so is this client.
            self._slots.release()
            self._stream.hang_up()

    def _answer(self, request: Request, parts: list[tuple[Span, bool]], complain: Complain) -> None:
        try:
            if not self._wish.is_structured:
                content = self._whole(request, parts)
                self._send(wire.encode_simple(request.cookie), content)
            elif len(parts) > 1 and request.flags & CommandFlag.DF:
                self._send_data(request, request.offset, self._whole(request, parts), is_last=True)
            else:
                self._send_parts(request, parts)
        except _SourceFailed as err:
            complain(err.reason)
            self._try_to_refuse(request)
        except HoldfastError:
            # The client is gone, and whoever receives from it will see that too.
            pass
        finally:
            self._slots.release()

    def _send_parts(self, request: Request, parts: list[tuple[Span, bool]]) -> None:
        for number, (part, is_data) in enumerate(parts, start=1):
            is_last = number == len(parts)
            if is_data:
                self._send_data(request, part.start, self._read(part), is_last=is_last)
            else:
                hole = wire.encode_hole(part.start, part.length)
                head = wire.encode_chunk(request.cookie, Chunk.HOLE, len(hole), is_last=is_last)
                self._send(head + hole)

    def _send_data(
        self, request: Request, offset: int, content: memoryview, *, is_last: bool
    ) -> None:
        length = wire.OFFSET_SIZE + len(content)
        head = wire.encode_chunk(request.cookie, Chunk.DATA, length, is_last=is_last)
        self._send(head + wire.encode_offset(offset), content)

    def _whole(self, request: Request, parts: list[tuple[Span, bool]]) -> memoryview:
        if len(parts) == 1 and parts[0][1]:
            return self._read(parts[0][0])
        whole = memoryview(bytearray(request.length))
        for part, is_data in parts:
            if is_data:
                start = part.start - request.offset
                whole[start : start + part.length] = self._read(part)
        return whole

    def _read(self, part: Span) -> memoryview:
        try:
            content = memoryview(self._source.read(part.start, part.length)).cast("B")
        except Exception as err:
            raise _SourceFailed(err) from err
        if len(content) != part.length:
            short = OSError(f"{len(content)} bytes were read instead of {part.length}")
            raise _SourceFailed(short)
        return content

    def _tell_status(self, request: Request) -> None:
        if not self._wish.wants_allocation:
            self._refuse(request, Errno.EINVAL)
            return
        most = 1 if request.flags & CommandFlag.REQ_ONE else _MOST_EXTENTS
        extents = [
            (part.length, 0 if is_data else int(_HOLE))
            for part, is_data in self._layout.parts(_span(request))
        ]
        payload = wire.encode_status(ALLOCATION_NUMBER, extents[:most])
        head = wire.encode_chunk(request.cookie, Chunk.STATUS, len(payload), is_last=True)
        self._send(head + payload)

    def _try_to_refuse(self, request: Request) -> None:
        try:
            self._refuse(request, Errno.EIO)
        except HoldfastError:
            return

    def _refuse(self, request: Request, error: Errno) -> None:
        if not self._wish.is_structured:
            self._send(wire.encode_simple(request.cookie, error))
            return
        payload = wire.encode_error(error)
        head = wire.encode_chunk(request.cookie, Chunk.ERROR, len(payload), is_last=True)
        self._send(head + payload)

    def _swallow(self, length: int) -> None:
        """What a client writes although it may not is read, to find the next request behind it."""
        if length > wire.LONGEST_PAYLOAD:
            raise WireError(f"a write of {length} bytes")
        self._stream.receive(length)

    def _send(self, *parts: bytes | memoryview) -> None:
        with self._sending:
            self._stream.send(*parts)

    def _is_inside(self, request: Request) -> bool:
        return 0 < request.length <= self._layout.size - request.offset


class _SourceFailed(Exception):
    """The disk could not be read, whatever the reason."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _span(request: Request) -> Span:
    return Span(request.offset, request.offset + request.length)
