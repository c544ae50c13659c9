"""A client that costs little: ready-made requests over kept connections, answers by their length."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from holdfast.base.clock import SystemClock

_HOST = "localhost"
_LENGTH = b"content-length:"
_clock = SystemClock()


class Refused(Exception):
    """An answer that is none of the good ones, or none at all."""


@dataclass(slots=True)
class Load:
    """What a while of asking came to."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Line(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiter: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0 or self._waiter is None:
            return
        end = head + 4 + _length(self._received[:head].lower())
        if len(self._received) >= end:
            answer, waiter = bytes(self._received[:end]), self._waiter
            del self._received[:end]
            self._waiter = None
            if not waiter.done():
                waiter.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Refused(f"the connection ended: {exc}"))

    async def ask(self, request: bytes) -> bytes:
        """The body of a good answer."""
        assert self._transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._waiter
        head, _blank, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise Refused(answer[:500].decode(errors="replace"))
        return body

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _length(head: bytes | bytearray) -> int:
    at = head.find(_LENGTH)
    if at < 0:
        return 0
    return int(head[at + len(_LENGTH) :].partition(b"\r\n")[0])


async def connect(port: int, context: ssl.SSLContext) -> Line:
    loop = asyncio.get_running_loop()
    _transport, line = await loop.create_connection(
        Line, _HOST, port, ssl=context, server_hostname=_HOST, ssl_handshake_timeout=120
    )
    return line


def trusting(ca_file: str, pair_file: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca_file)
    if pair_file:
        context.load_cert_chain(pair_file)
    return context


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"host: {_HOST}", f"content-length: {len(body)}"]
    if body:
        lines.append("content-type: application/json")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def pump(lines: Sequence[Line], make: Callable[[int, int], bytes], *, seconds: float) -> Load:
    """Ask over every line as fast as answers come; `make` is told the line and the turn."""
    load = Load()
    began = _clock.monotonic()

    async def one(number: int, line: Line) -> None:
        turn = 0
        while _clock.monotonic() < began + seconds:
            load.latencies.append(await timed(line.ask(make(number, turn))))
            turn += 1

    await asyncio.gather(*(one(number, line) for number, line in enumerate(lines)))
    load.seconds = _clock.monotonic() - began
    return load


async def timed(work: Awaitable[bytes]) -> float:
    began = _clock.monotonic()
    await work
    return _clock.monotonic() - began
