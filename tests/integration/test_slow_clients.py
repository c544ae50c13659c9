"""Callers that take their time, and what the server's protocol does about it; over real sockets."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from holdfast.server import protocol
from holdfast.server.protocol import Protocol
from holdfast.server.running import listen

Place = tuple[str, int]
_HASTE = 0.3


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message.get("body", b""))
        if scope["path"] == "/last":
            # The next head has less time than this one had.
            protocol.HEAD_SECONDS = _HASTE
        if scope["path"] == "/busy":
            # The server itself takes long; the caller cannot help it.
            await asyncio.sleep(protocol.BODY_SECONDS * 4)
        if not message.get("more_body"):
            break
    body = b"x" * (32 << 20) if scope["path"] == "/big" else str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lasts a fraction of a second."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", _HASTE)
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(protocol, "READER_SECONDS", _HASTE)


@pytest.fixture
def patience_with_heads(patience: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, but a test that is held up is in time with its first head."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 600.0)


@pytest.fixture
def place(patience: None) -> Iterator[Place]:
    config = uvicorn.Config(_echo, http=Protocol, ws="none", lifespan="off", log_config=None)
    server, listener = uvicorn.Server(config), listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()[:2]
    server.should_exit = True
    thread.join()
    listener.close()


def test_who_says_nothing_is_let_go(place: Place) -> None:
    with socket.create_connection(place, timeout=90) as line:
        assert _rest(line) == b""


def test_a_head_that_comes_byte_by_byte_is_let_go(place: Place) -> None:
    with socket.create_connection(place, timeout=90) as line:
        line.sendall(b"GET / HTTP/1.1\r\n")

        assert _rest(line) == b""


@pytest.mark.usefixtures("patience_with_heads")
def test_the_next_request_on_a_connection_has_its_own_time(place: Place) -> None:
    with socket.create_connection(place, timeout=90) as line:
        line.sendall(b"GET /last HTTP/1.1\r\nHost: x\r\n\r\n")
        first = b""
        while not first.endswith(b"\r\n\r\n0"):
            some = line.recv(1000)
            assert some, first
            first += some
        line.sendall(b"GET / HT")

        assert first.startswith(b"HTTP/1.1 200")
        assert _rest(line) == b""


def test_a_body_that_does_not_come_is_let_go(place: Place) -> None:
    with socket.create_connection(place, timeout=90) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100)

        assert _rest(line) == b""


@pytest.mark.usefixtures("patience_with_heads")
def test_a_body_is_waited_for_while_the_server_is_the_slow_one(place: Place) -> None:
    # More than the server takes in at once; the kernel has it all as soon as it is sent.
    body = b"x" * 1_000_000
    with socket.create_connection(place, timeout=90) as line:
        head = b"POST /busy HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        line.sendall(head + body)
        said = line.recv(1000)

    assert said.startswith(b"HTTP/1.1 200")


def test_who_asks_for_much_and_reads_nothing_is_let_go(place: Place) -> None:
    with socket.create_connection(place, timeout=90) as line:
        line.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        with socket.create_connection(place, timeout=90) as other:
            # Its own patience ends later than that of the first.
            _rest(other)
        with socket.create_connection(place, timeout=90) as other:
            _rest(other)

        assert len(_rest(line)) < 32 << 20


def _rest(line: socket.socket) -> bytes:
    """All that comes until the other side ends it; cutting off is an end as well."""
    found = bytearray()
    while True:
        try:
            some = line.recv(1 << 20)
        except ConnectionResetError:
            return bytes(found)
        if not some:
            return bytes(found)
        found += some
