"""`Idempotency-Key` of a person's POST: what was done once is answered twice, and not done twice."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.app.control import replaying
from holdfast.app.control.errors import NotLoggedIn, RequestTooLarge
from holdfast.app.control.identifying import person_of
from holdfast.app.control.plane import Plane
from holdfast.app.control.replaying import Answer, Asked
from holdfast.base.errors import HoldfastError
from holdfast.server import problems

_log = logging.getLogger(__name__)
MOST_BYTES = 1 << 20
_FINE = range(200, 300)


class Idempotent:
    def __init__(self, app: ASGIApp, *, plane: Plane, prefix: str) -> None:
        self._app = app
        self._plane = plane
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._concerns(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(receive)
            asked = await asyncio.to_thread(self._asked, Request(scope), body)
            kept = await asyncio.to_thread(replaying.begin, self._plane, asked) if asked else None
        except HoldfastError as err:
            await problems.answer(err)(scope, receive, send)
            return
        again = _again(body, receive)
        if asked is None:
            await self._app(scope, again, send)
        elif kept is not None:
            await _replay(kept)(scope, receive, send)
        else:
            await self._first(asked, scope, again, send)

    def _concerns(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        return scope["path"].startswith(self._prefix) and "idempotency-key" in Headers(scope=scope)

    def _asked(self, request: Request, body: bytes) -> Asked | None:
        """None when the caller is nobody we know: the route itself says so."""
        scheme, _space, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            actor = person_of(self._plane, secret, address="")
        except NotLoggedIn:
            return None
        whole = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
        key = request.headers["idempotency-key"]
        return Asked(caller=str(actor.id), key=key, secret=secret, request=whole)

    async def _first(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer is kept before it is sent: who has seen it can rely on it."""
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        is_kept = False
        try:
            async with _renewed(self._plane, asked):
                await self._app(scope, receive, hold)
            answer = _collected(held)
            if answer.status in _FINE:
                await asyncio.to_thread(replaying.finish, self._plane, asked, answer)
                is_kept = True
        finally:
            if not is_kept:
                await asyncio.to_thread(replaying.release, self._plane, asked)
        for message in held:
            await send(message)


@contextlib.asynccontextmanager
async def _renewed(plane: Plane, asked: Asked) -> AsyncIterator[None]:
    """Meanwhile no other server thinks that this one died."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(replaying.RENEWED_EVERY.total_seconds())
            try:
                await asyncio.to_thread(replaying.renew, plane, asked)
            except HoldfastError:
                _log.warning("the claim of a request was not renewed", exc_info=True)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _collected(messages: list[Message]) -> Answer:
    start = next(one for one in messages if one["type"] == "http.response.start")
    headers = Headers(raw=start["headers"])
    body = b"".join(one.get("body", b"") for one in messages)
    return Answer(status=start["status"], media_type=headers.get("content-type", ""), body=body)


def _replay(kept: Answer) -> Response:
    headers = {"Idempotency-Replayed": "true"}
    return Response(kept.body, kept.status, headers, media_type=kept.media_type or None)


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise RequestTooLarge(most=MOST_BYTES)
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, for who reads it next; then whatever else happens on the connection."""
    left = [body]

    async def received() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return received
