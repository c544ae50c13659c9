"""How long a request's body may be, before anything reads it."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.app.control.diagnosing_errors import DoctorFull
from holdfast.app.control.errors import RequestTooLarge
from holdfast.app.control.handing_over import MOST_BYTES, MOST_TOGETHER
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import speaking
from holdfast.base.units import MIB, format_size
from holdfast.server.bodies import BYTES
from holdfast.server.callers import PEER
from holdfast.server.problems import answer
from holdfast.server.speaking import language_of

ANYBODY = MIB
# A machine tells of all its points and jobs at once.
MACHINE = 16 * MIB
# It goes into a file as it comes, and only from somebody who is logged in.
ARTEFACT = MOST_BYTES
UPLOADS_AT_ONCE = MOST_TOGETHER // MOST_BYTES
_GATEWAY = "/gateway/"
_AGENTS = "/api/v1/agent/"
_ARTEFACTS = "/api/v1/doctor/diagnoses"
# The console's: only a page that is open knows the address, and its part is a secret.
_UPLOADS = re.compile(r"/ui/_nicegui/client/[^/]+/upload/\d+")


class Limited:
    """Refuses what is too long; the gateway knows limits of its own, by the kind of file."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_GATEWAY):
            await self._app(scope, receive, send)
        elif _UPLOADS.fullmatch(scope["path"]):
            await self._upload(scope, receive, send)
        else:
            await self._measured(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """On its way it lies on the disk already, before a page can say whether there is room."""
        if self._uploads >= UPLOADS_AT_ONCE:
            await _refuse(scope, receive, send, DoctorFull(size=format_size(MOST_TOGETHER)))
            return
        self._uploads += 1
        try:
            await self._measured(scope, receive, send)
        finally:
            self._uploads -= 1

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        limit = _limit(scope, headers)
        if "transfer-encoding" in headers:
            # How long it is shows at its end, and half of it must not be taken for the whole.
            body = await _read(receive, limit)
            if body is None:
                await _refuse(scope, receive, send, RequestTooLarge(most=limit))
                return
            receive = _again(body, receive)
        elif _length(headers) > limit:
            await _refuse(scope, receive, send, RequestTooLarge(most=limit))
            return
        await self._app(scope, receive, send)


def _limit(scope: Scope, headers: Headers) -> int:
    if scope["path"] == _ARTEFACTS and _is_file(headers):
        return ARTEFACT
    if _UPLOADS.fullmatch(scope["path"]) and "transfer-encoding" not in headers:
        return ARTEFACT + ANYBODY
    is_machine = PEER in scope.get("extensions", {})
    return MACHINE if is_machine and scope["path"].startswith(_AGENTS) else ANYBODY


def _is_file(headers: Headers) -> bool:
    """Of a known length, since what says none is read into memory here."""
    kind = headers.get("content-type", "")
    return kind.startswith(BYTES) and "transfer-encoding" not in headers


def _length(headers: Headers) -> int:
    said = headers.get("content-length", "0")
    return int(said) if said.isascii() and said.isdigit() else 0


async def _read(receive: Receive, limit: int) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read, as if it came only now; then whatever comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _refuse(scope: Scope, receive: Receive, send: Send, error: HoldfastError) -> None:
    with speaking(language_of(Headers(scope=scope))):
        # Closing spares us the rest of what is on its way.
        refusal = answer(error, headers={"connection": "close"})
    await refusal(scope, receive, send)
