"""What every answer of the console carries, so that a browser lets nothing foreign in or out."""

import base64
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.console.places import ROOT

_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
# The framework compiles its templates in the browser, which needs `unsafe-eval`, and sets the
# styles of elements one by one. Scripts run only from our own files, or with this answer's nonce.
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_POLICY_HEADER = "content-security-policy"
_SMALL = 1000
_LOOKS = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Around the whole application; it touches what lies below the console's root."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._guarded = GZipMiddleware(_Answers(app), minimum_size=_SMALL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not _is_ours(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif _is_foreign_act(scope):
            refusal = PlainTextResponse("Forbidden", 403)
            await refusal(scope, receive, send)
        else:
            # No proxy is known to us, so nobody may say that our paths begin elsewhere.
            scope["headers"] = [one for one in scope["headers"] if one[0] != b"x-forwarded-prefix"]
            await self._guarded(scope, receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page of another origin must not talk to the console through its visitor's browser."""
        headers = Headers(scope=scope)
        if not _is_own(headers, headers.get("origin", "")):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)


class _Answers:
    """Gives each answer its headers, and the scripts of a page the nonce that lets them run."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        nonce = base64.b64encode(secrets.token_bytes(16)).decode()
        begun: list[Message] = []
        pieces: list[bytes] = []

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _dress(message, nonce)
                if _is_page(message):
                    begun.append(message)
                    return
            elif begun and message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))
                if message.get("more_body", False):
                    return
                await _send_page(begun.pop(), b"".join(pieces), nonce=nonce, send=send)
                return
            await send(message)

        await self._app(scope, receive, changed)


def _is_ours(path: str) -> bool:
    return path == ROOT or path.startswith(ROOT + "/")


def _is_own(headers: Headers, origin: str) -> bool:
    return origin == f"https://{headers.get('host', '')}"


def _is_foreign_act(scope: Scope) -> bool:
    """A form of another origin must not log its visitor in as somebody else, or out."""
    headers = Headers(scope=scope)
    # What is no browser sends no origin, and acts for nobody but itself.
    origin = headers.get("origin")
    return scope["method"] not in _LOOKS and origin is not None and not _is_own(headers, origin)


def _dress(start: Message, nonce: str) -> None:
    headers = MutableHeaders(scope=start)
    for name, value in _HEADERS.items():
        headers[name] = value
    # An answer that is stricter about itself, as a report is, stays so.
    headers.setdefault(_POLICY_HEADER, _POLICY.format(nonce=nonce))


def _is_page(start: Message) -> bool:
    return MutableHeaders(scope=start).get("content-type", "").startswith("text/html")


async def _send_page(start: Message, body: bytes, *, nonce: str, send: Send) -> None:
    # What people wrote is escaped in a page: an opening tag is the framework's or ours.
    body = body.replace(b"<script", b'<script nonce="' + nonce.encode() + b'"')
    MutableHeaders(scope=start)["content-length"] = str(len(body))
    await send(start)
    await send({"type": "http.response.body", "body": body})
