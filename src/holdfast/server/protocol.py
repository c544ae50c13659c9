"""HTTP over TLS as uvicorn speaks it, with what it leaves out: who called, and patience's end.

The class reaches into uvicorn's own protocol class; its minor version is pinned for that.
"""

import asyncio
import hashlib
from asyncio import sslproto
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from holdfast.base.units import KIB
from holdfast.server import metrics
from holdfast.server.callers import PEER

# From the connection, or from the first byte of a further request, to the end of its head.
HEAD_SECONDS = 10.0
HEAD_BYTES = 32 * 1024
# What stands between two pieces of a body, or behind the last: sizes of chunks, trailers.
BETWEEN_BYTES = 32 * 1024
# A body is looked at this often, and must have grown by so much, or it is given up the second time.
BODY_SECONDS = 10.0
BODY_BYTES = 4096
# How long an answer may wait for its reader to take something.
READER_SECONDS = 120.0
GOODBYE_SECONDS = 0.5
_HEAD_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _HeadTooLongError(Exception):
    """Ends the parser, and nothing else sees it."""


# What TLS hands in goes through a buffer that a connection has for as long as it is open: asyncio's
# usual quarter of a MiB is most of what a waiting agent costs, and a record has 16 KiB at most.
sslproto.SSLProtocol.max_size = 64 * KIB


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._peer: str | None = None
        self._is_in_head = True
        self._is_ending = False
        self._head_bytes = 0
        self._field_bytes = 0
        self._body_bytes = 0
        self._between_bytes = 0
        self._slow_turns = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        metrics.CONNECTIONS.inc()
        tls = transport.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls else None
        self._peer = hashlib.sha256(shown).hexdigest() if shown else None
        self._head_timer = self._later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._body_timer, self._reader_timer):
            _cancel(timer)
        super().connection_lost(exc)
        metrics.CONNECTIONS.dec()

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._head_timer = self._later(HEAD_SECONDS, self._give_up)
        else:
            self._between_bytes += len(data)
        super().data_received(data)
        if not self._is_in_head and self._between_bytes > BETWEEN_BYTES:
            self._give_up()
        if self._is_in_head and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_HEAD_TOO_LONG)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._peer:
            extensions: Any = {PEER: self._peer}
            self.scope["extensions"] = extensions

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; one behind the body says nothing, or it could be a late login."""
        if not self._is_in_head:
            return
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def _count(self, size: int) -> None:
        """A head that came all at once is held to the limit as well."""
        self._field_bytes += size
        if self._field_bytes > HEAD_BYTES:
            # The parser stops here, and what it read is no request.
            raise _HeadTooLongError

    def send_400_response(self, msg: str) -> None:
        if self._field_bytes <= HEAD_BYTES:
            super().send_400_response(msg)
        elif not self.transport.is_closing():
            self.transport.write(_HEAD_TOO_LONG)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._is_in_head, self._head_bytes, self._field_bytes = False, 0, 0
        self._between_bytes = 0
        _cancel(self._head_timer)
        self._head_timer = None
        super().on_headers_complete()
        self._body_bytes = self._slow_turns = 0
        self._body_timer = self._later(BODY_SECONDS, self._look_at_body)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._between_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_head = True
        _cancel(self._body_timer)
        super().on_message_complete()

    def shutdown(self) -> None:
        """End the connection, if it is idle now or else after the answer that is under way."""
        self._is_ending = True
        # Closed a second time, the transport would forget its connection instead of ending it.
        if not self.transport.is_closing():
            super().shutdown()
        self._part()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._part()

    def _part(self) -> None:
        """A connection that ends is not kept until its other side says goodbye as well."""
        if not self._is_ending:
            return
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            self._later(GOODBYE_SECONDS, self.transport.abort)
        else:
            self._later(GOODBYE_SECONDS, self._part)

    def pause_writing(self) -> None:
        super().pause_writing()
        _cancel(self._reader_timer)
        self._reader_timer = self._later(READER_SECONDS, self._give_up)

    def resume_writing(self) -> None:
        _cancel(self._reader_timer)
        super().resume_writing()

    def _look_at_body(self) -> None:
        """Give up a body that does not come; one we do not read at the moment is not its fault."""
        if self.flow.read_paused or self._body_bytes >= BODY_BYTES:
            self._slow_turns = 0
        else:
            self._slow_turns += 1
        self._body_bytes = 0
        if self._slow_turns > 1:
            self._give_up()
        else:
            self._body_timer = self._later(BODY_SECONDS, self._look_at_body)

    def _give_up(self) -> None:
        # Whoever is so slow would not read a last word either.
        if not self.transport.is_closing():
            self.transport.abort()

    def _later(self, seconds: float, act: Any) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, act)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
