"""One request and its answer, without a framework between them and the bytes."""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from holdfast.app.control.gateway import Caller
from holdfast.base.errors import HoldfastError
from holdfast.server import problems
from holdfast.server.callers import PEER
from holdfast.server.gateway.statuses import status_of
from holdfast.storage.rest_errors import UploadBroken

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A client is waited for so long in all, beside the time its bytes take at the slowest rate.
_PATIENCE = 60.0
_SLOWEST_RATE = 16 * 1024
_NO_BODY = "HEAD"


class Exchange:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers: dict[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        self.method = str(scope["method"])
        # A mount of the whole application leaves its own part in front.
        self.path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        self.query = bytes(scope.get("query_string", b"")).decode("latin-1")
        self.has_begun = False

    def header(self, name: str) -> str:
        return self._headers.get(name, "")

    def caller(self) -> Caller:
        client = self._scope.get("client")
        user, secret = _read_basic(self.header("authorization"))
        extensions = self._scope.get("extensions") or {}
        return Caller(
            fingerprint=extensions.get(PEER),
            user=user,
            secret=secret,
            address=client[0] if client else "",
        )

    def body(self, name: str, size: int) -> "Body":
        return Body(self._receive, name, size)

    async def start(self, status: int, **headers: str | int) -> None:
        """Status and headers; a name's underscores are dashes."""
        self.has_begun = True
        listed = [
            (name.replace("_", "-").encode(), str(value).encode())
            for name, value in headers.items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": listed})

    async def send(self, content: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})

    async def answer(self, status: int, content: bytes = b"", **headers: str | int) -> None:
        """A short answer as a whole."""
        await self.start(status, **{"content_length": len(content), **headers})
        await self.send(b"" if self.method == _NO_BODY else content, more=False)

    async def refuse(self, error: HoldfastError) -> None:
        status = status_of(error)
        content = json.dumps({**problems.body_of(error), "status": status}).encode()
        headers = {"content_type": problems.MEDIA_TYPE}
        if status == HTTPStatus.UNAUTHORIZED:
            headers["www_authenticate"] = 'Basic realm="vault"'
            if self.caller().fingerprint is None:
                # Nobody we know at all: what else they send is not taken.
                headers["connection"] = "close"
        await self.answer(status, content, **headers)


class Body:
    """What the client sends, with an end to waiting for it."""

    def __init__(self, receive: Receive, name: str, size: int) -> None:
        self._receive = receive
        self._name = name
        self._patience = _PATIENCE + size / _SLOWEST_RATE
        self._is_over = False

    async def next(self) -> bytes:
        """Some more bytes, none at the end."""
        while not self._is_over:
            message = await self._message()
            if message["type"] == "http.disconnect":
                raise self._broken("the client went away")
            self._is_over = not message.get("more_body", False)
            if content := message.get("body", b""):
                return bytes(content) if not isinstance(content, bytes) else content
        return b""

    async def drain(self, most: int) -> None:
        """Take what is still coming, so that the client gets to read the answer."""
        while most > 0 and (content := await self.next()):
            most -= len(content)

    async def _message(self) -> Message:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._patience):
                message = await self._receive()
        except TimeoutError as err:
            raise self._broken("the client is too slow") from err
        self._patience -= loop.time() - began
        return message

    def _broken(self, reason: str) -> UploadBroken:
        return UploadBroken(place="gateway", name=self._name, reason=reason)


def _read_basic(header: str) -> tuple[str | None, str | None]:
    scheme, _space, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    user, colon, secret = text.partition(":")
    return (user, secret) if colon else (None, None)
