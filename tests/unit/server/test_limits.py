"""How much a request may hold, before anything reads it."""

import asyncio
from typing import Any

import pytest

from holdfast.server.limits import ANYBODY, ARTEFACT, UPLOADS_AT_ONCE, Limited

FILE = (b"content-type", b"application/octet-stream")
CHUNKED = (b"transfer-encoding", b"chunked")
DIAGNOSES = "/api/v1/doctor/diagnoses"
UPLOAD = "/ui/_nicegui/client/0f3a-77/upload/12"


def _status(path: str, *headers: tuple[bytes, bytes]) -> int:
    """204 where the request was let through."""
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"x" * (ANYBODY + 1), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": list(headers), "method": "POST"}
    asyncio.run(Limited(app)(scope, receive, send))
    return int(sent[0]["status"])


def _long(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/vaults", [_long(ANYBODY)], 204),
        ("/api/v1/vaults", [_long(ANYBODY + 1)], 413),
        ("/api/v1/vaults", [FILE, _long(ANYBODY + 1)], 413),
        (DIAGNOSES, [FILE, _long(ARTEFACT)], 204),
        (DIAGNOSES, [FILE, _long(ARTEFACT + 1)], 413),
        # Only a file of a length that is known goes past memory.
        (DIAGNOSES, [_long(ANYBODY + 1)], 413),
        (DIAGNOSES, [FILE, CHUNKED], 413),
        (UPLOAD, [_long(ARTEFACT)], 204),
        (UPLOAD, [_long(ARTEFACT + ANYBODY + 1)], 413),
        (UPLOAD, [CHUNKED], 413),
        (f"{UPLOAD}/more", [_long(ANYBODY + 1)], 413),
        ("/ui/login", [_long(ANYBODY + 1)], 413),
    ],
)
def test_a_request_may_hold_as_much_as_its_place_allows(
    path: str, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    assert _status(path, *headers) == status


def test_more_uploads_at_once_than_there_is_room_for_are_refused() -> None:
    assert asyncio.run(_statuses_of_uploads(UPLOADS_AT_ONCE + 1)) == [503]


def test_after_an_upload_there_is_room_for_another() -> None:
    async def one_after_another() -> list[int]:
        limited = Limited(_takes_it)
        return [await _sent(limited) for _ in range(UPLOADS_AT_ONCE + 1)]

    assert set(asyncio.run(one_after_another())) == {204}


async def _statuses_of_uploads(count: int) -> list[int]:
    """Of those that are answered while the others are still on their way."""
    never = asyncio.Event()

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await never.wait()

    limited = Limited(app)
    tasks = [asyncio.create_task(_sent(limited)) for _ in range(count)]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return [task.result() for task in done]


async def _takes_it(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})


async def _sent(limited: Limited) -> int:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "path": UPLOAD, "headers": [_long(ARTEFACT)], "method": "POST"}
    await limited(scope, receive, send)
    return int(sent[0]["status"])
