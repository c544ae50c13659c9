"""Requests that are on their way to an NBD server, and what has come back of them.

A server answers in any order and in pieces; what is wrong with a piece is an error of the
connection, what a server could not do is one of its request.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from holdfast.disks import nbd_wire as wire
from holdfast.disks.errors import DiskRequestFailed, DiskTargetFull
from holdfast.disks.nbd_stream import NbdStream
from holdfast.disks.nbd_wire import Chunk, Command, Errno, Reply, Request, WireError

_ERROR_BIT = 1 << 15
_LONGEST_ERROR = 16 << 10
ZEROES = memoryview(bytes(1 << 20))


@dataclass(slots=True, kw_only=True)
class Pending:
    """A request and what is known of its reply."""

    request: Request
    # Where the bytes of a read go, and how many of them have not come.
    view: memoryview | None = None
    left: int = 0
    extents: dict[int, Sequence[tuple[int, int]]] = field(default_factory=dict)
    failure: tuple[int, str] | None = None
    is_done: bool = False


class Flight:
    """The requests under way on one connection; of one thread at a time."""

    def __init__(self, stream: NbdStream) -> None:
        self._stream = stream
        self._pending: dict[int, Pending] = {}
        self._cookies = itertools.count(1)

    def read(self, offset: int, view: memoryview) -> Pending:
        """Ask for what fills `view`."""
        request = Request(Command.READ, next(self._cookies), offset, len(view))
        return self._launch(Pending(request=request, view=view, left=len(view)))

    def ask(self, command: Command, offset: int = 0, length: int = 0, *, flags: int = 0) -> Pending:
        """Ask for something that needs no buffer on either side."""
        request = Request(command, next(self._cookies), offset, length, flags)
        return self._launch(Pending(request=request))

    def write(self, offset: int, content: memoryview) -> Pending:
        """`content` may be changed as soon as this returns."""
        request = Request(Command.WRITE, next(self._cookies), offset, len(content))
        return self._launch(Pending(request=request), content)

    def land(self, pending: Pending) -> Pending:
        """Wait for the end of a reply; what the server could not do is raised."""
        while not pending.is_done:
            self._take_reply()
        if pending.failure is not None:
            raise self._failed(pending.request, *pending.failure)
        return pending

    def abandon(self) -> None:
        """Take what is still under way out of the connection; nobody wants it any more."""
        while self._pending and self._stream.is_open:
            self._take_reply()

    def _launch(self, pending: Pending, *content: memoryview) -> Pending:
        self._pending[pending.request.cookie] = pending
        self._stream.send(wire.encode_request(pending.request), *content)
        return pending

    def _take_reply(self) -> None:
        try:
            reply = wire.decode_reply(self._stream.receive(wire.REPLY_SIZE))
            pending = self._pending.get(reply.cookie)
            if pending is None:
                raise WireError("a reply to nothing that was asked")
            if reply.is_structured:
                self._take_chunk(reply, pending)
            else:
                self._take_simple(reply, pending)
            if pending.is_done:
                del self._pending[reply.cookie]
        except WireError as err:
            self._stream.malformed(err)

    def _take_simple(self, reply: Reply, pending: Pending) -> None:
        if reply.error:
            pending.failure = reply.error, ""
        elif pending.view is not None:
            if pending.left != len(pending.view):
                raise WireError("a simple reply in the middle of a structured one")
            self._stream.receive_into(pending.view)
        elif pending.request.command == Command.BLOCK_STATUS:
            raise WireError("a simple reply to a block status")
        pending.is_done = True

    def _take_chunk(self, reply: Reply, pending: Pending) -> None:
        length = wire.decode_length(self._stream.receive(wire.LENGTH_SIZE))
        match reply.kind:
            case Chunk.NONE if not length and reply.flags & wire.DONE:
                pass
            case Chunk.DATA:
                self._take_data(pending, length)
            case Chunk.HOLE:
                self._take_hole(pending, length)
            case Chunk.STATUS:
                self._take_status(pending, length)
            case kind if kind & _ERROR_BIT:
                if length > _LONGEST_ERROR:
                    raise WireError(f"an error of {length} bytes")
                pending.failure = wire.decode_error(self._stream.receive(length))
            case kind:
                raise WireError(f"a chunk of kind {kind} and {length} bytes")
        if reply.flags & wire.DONE:
            self._finish(pending)

    def _take_data(self, pending: Pending, length: int) -> None:
        if length <= wire.OFFSET_SIZE:
            raise WireError("data of no bytes")
        offset = wire.decode_offset(self._stream.receive(wire.OFFSET_SIZE))
        self._stream.receive_into(_part(pending, offset, length - wire.OFFSET_SIZE))

    def _take_hole(self, pending: Pending, length: int) -> None:
        if length > _LONGEST_ERROR:
            raise WireError(f"a hole of {length} bytes")
        offset, size = wire.decode_hole(self._stream.receive(length))
        if not size:
            raise WireError("a hole of no bytes")
        part = _part(pending, offset, size)
        for start in range(0, size, len(ZEROES)):
            end = min(start + len(ZEROES), size)
            part[start:end] = ZEROES[: end - start]

    def _take_status(self, pending: Pending, length: int) -> None:
        if pending.request.command != Command.BLOCK_STATUS or length > wire.LONGEST_PAYLOAD:
            raise WireError(f"a block status of {length} bytes nobody asked for")
        context, extents = wire.decode_status(self._stream.receive(length))
        if context in pending.extents:
            raise WireError("the block status of one context twice")
        pending.extents[context] = extents

    def _finish(self, pending: Pending) -> None:
        if pending.failure is None:
            if pending.left:
                raise WireError(f"{pending.left} bytes of what was asked for never came")
            if pending.request.command == Command.BLOCK_STATUS and not pending.extents:
                raise WireError("a block status that says nothing")
        pending.is_done = True

    def _failed(
        self, request: Request, error: int, words: str
    ) -> DiskRequestFailed | DiskTargetFull:
        where = {"place": self._stream.place, "offset": request.offset, "length": request.length}
        if error == Errno.ENOSPC:
            return DiskTargetFull(**where)
        name = wire.error_name(error)
        action = Command(request.command).name.lower().replace("_", " ")
        return DiskRequestFailed(**where, action=action, reason=f"{name} {words}".strip())


def _part(pending: Pending, offset: int, length: int) -> memoryview:
    """Where in the buffer of its request a piece belongs."""
    start = offset - pending.request.offset
    if pending.view is None or start < 0 or start + length > len(pending.view):
        raise WireError(f"{length} bytes at {offset} nobody asked for")
    if length > pending.left:
        raise WireError("more bytes than were asked for")
    pending.left -= length
    return pending.view[start : start + length]
