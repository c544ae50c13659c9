"""Each request leaves a line in the log and a count in the metrics, and carries an id through."""

import re
import secrets
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.base.clock import Clock
from holdfast.server import metrics
from holdfast.server.application import PREFIX

_log = structlog.stdlib.get_logger("holdfast.requests")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADER = "x-request-id"
_GATEWAY = "/gateway/"
# Asked for every few seconds by machines; their lines would drown the others.
_ROUTINE = frozenset(("/healthz", "/readyz", "/metrics"))
_FAILED = 500


class Observed:
    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app, self._clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        began, seen = self._clock.monotonic(), {"status": _FAILED}

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                MutableHeaders(scope=message)[_HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self._app(scope, receive, noting)
            finally:
                _tell(scope, seen["status"], self._clock.monotonic() - began)


def route_of(scope: Scope) -> str:
    """The pattern that matched, not the path: ids would make each path a metric of its own."""
    if scope["path"].startswith(_GATEWAY):
        return "/gateway/{vault}/{machine}"
    path = getattr(scope.get("route"), "path", None)
    if not path:
        return "(none)"
    # Routes know their path below the router that took them in.
    has_prefix = scope["path"].startswith(PREFIX) and not path.startswith(PREFIX)
    return f"{PREFIX}{path}" if has_prefix else str(path)


def _request_id(headers: Headers) -> str:
    given = headers.get(_HEADER, "")
    return given if _ID.fullmatch(given) else secrets.token_hex(8)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    route = route_of(scope)
    metrics.count_request(scope["method"], route, status, seconds)
    if scope["path"] in _ROUTINE and status < _FAILED:
        return
    said: dict[str, Any] = {
        "method": scope["method"],
        "route": route,
        "status": status,
        "seconds": round(seconds, 4),
        "actor": str(scope["state"].get("actor", "")) or None,
        "address": scope["client"][0] if scope.get("client") else None,
    }
    log = _log.error if status >= _FAILED else _log.info
    log("request", **said)
