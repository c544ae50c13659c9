"""Each request is answered in the language its caller asks for, with `Accept-Language`."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.base.texts import LANGUAGES, speaking


class Speaking:
    """Threads that a request works in speak its language too: they take its context along."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with speaking(language_of(Headers(scope=scope))):
            await self._app(scope, receive, send)


def language_of(headers: Headers) -> str:
    """The one of ours the caller likes best; English where it names none."""
    best, weight = LANGUAGES[0], 0.0
    for wish in headers.get("accept-language", "").split(","):
        name, _semicolon, quality = wish.partition(";")
        language = name.strip().lower().partition("-")[0]
        liked = _weight(quality)
        if language in LANGUAGES and liked > weight:
            best, weight = language, liked
    return best


def _weight(quality: str) -> float:
    text = quality.strip().removeprefix("q=")
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
