"""The server's API as a person's commands use it.

client = connect(home)
client.get("/vaults/main")
for machine in client.items("/machines", vault="main"): …
client.post("/machines/ID/jobs", {"kind": "backup"})
"""

import secrets
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, SSLError

from holdfast.app.login_file import read_login
from holdfast.app.server_errors import (
    ServerAddressWrong,
    ServerNotReached,
    ServerNotTrusted,
    ServerSaid,
)
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import language

# Where servers listen that were not told otherwise.
_USUAL_PORT = 8443
PREFIX = "/api/v1"
_PATIENCE = urllib3.Timeout(connect=10, read=90)
_ATTEMPTS = 2


class ServerClient:
    """`pin` and `approval` go along with what needs them."""

    def __init__(
        self,
        server: str,
        *,
        ca_pem: str | None,
        token: str | None = None,
        pin: str | None = None,
        approval: str | None = None,
    ) -> None:
        self.server = server
        headers = {
            "Authorization": f"Bearer {token}" if token else None,
            "Holdfast-Pin": pin,
            "Holdfast-Approval": approval,
            "Accept-Language": language(),
        }
        self._headers = {name: value for name, value in headers.items() if value}
        self._pool = urllib3.PoolManager(ssl_context=_context(server, ca_pem))

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", _with_query(path, query))

    def items(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        after: str | None = None
        while True:
            page = self.get(path, **query, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def post(self, path: str, body: object = None) -> Any:
        """Done once, even if the answer is lost and the request is sent again."""
        return self._ask("POST", path, body, {"Idempotency-Key": secrets.token_hex(16)})

    def put(self, path: str, body: object = None) -> Any:
        return self._ask("PUT", path, body)

    def patch(self, path: str, body: object) -> Any:
        return self._ask("PATCH", path, body)

    def delete(self, path: str, **query: Any) -> Any:
        return self._ask("DELETE", _with_query(path, query))

    def close(self) -> None:
        self._pool.clear()

    def _ask(
        self, method: str, path: str, body: object = None, more: Mapping[str, str] | None = None
    ) -> Any:
        headers = {**self._headers, **(more or {}), "Accept": "application/json"}
        content = None
        if body is not None:
            content, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        answer = self._send(method, path, content, headers)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise _said(answer)
        return _decoded(answer) if answer.data else None

    def _send(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        may_repeat = method == "GET" or "Idempotency-Key" in headers
        for left in range(_ATTEMPTS if may_repeat else 1, 0, -1):
            try:
                return self._pool.request(
                    method,
                    f"{self.server}{PREFIX}{path}",
                    body=content,
                    headers=headers,
                    timeout=_PATIENCE,
                    retries=False,
                    redirect=False,
                )
            except ProtocolError as err:
                # A connection kept from before may have ended meanwhile.
                if left == 1:
                    raise _not_reached(self.server, err) from err
            except (HTTPError, OSError) as err:
                raise _not_reached(self.server, err) from err
        raise AssertionError("no attempt was made")


def connect(home: str, *, pin: str | None = None, approval: str | None = None) -> ServerClient:
    """The client of whoever is logged in on this machine."""
    login = read_login(home)
    return ServerClient(
        login.server, ca_pem=login.ca_pem, token=login.token, pin=pin, approval=approval
    )


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def good_address(server: str) -> str:
    """https://HOST:PORT in its one spelling; of a bare name it is the port that servers have."""
    is_bare = "//" not in server
    text = f"https://{server}" if is_bare else server
    try:
        parts = urlsplit(text)
        is_good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
        port = parts.port or (_USUAL_PORT if is_bare else None)
    except ValueError:
        is_good, port, parts = False, None, urlsplit("")
    if not is_good or parts.query or parts.path.strip("/"):
        raise ServerAddressWrong(server=server)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"https://{host}:{port}" if port else f"https://{host}"


def _context(server: str, ca_pem: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except ssl.SSLError as err:
        raise ServerNotTrusted(server=server, reason=err) from err
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _with_query(path: str, query: Mapping[str, Any]) -> str:
    given = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in query.items()
        if value is not None
    }
    return f"{path}?{urlencode(given)}" if given else path


def _decoded(answer: urllib3.BaseHTTPResponse) -> Any:
    try:
        return msgspec.json.decode(answer.data)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise ServerSaid(status=answer.status, detail=err) from err


def _said(answer: urllib3.BaseHTTPResponse) -> HoldfastError:
    try:
        found = msgspec.json.decode(answer.data, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        # Somebody in between answers, or no server of ours.
        return ServerSaid(status=answer.status, detail=answer.reason or "")
    return ServerSaid(**{**found, "status": answer.status, "detail": found.get("detail", "")})


def _not_reached(server: str, err: Exception) -> HoldfastError:
    if isinstance(err, SSLError):
        return ServerNotTrusted(server=server, reason=_reason(err))
    return ServerNotReached(server=server, reason=_reason(err))


def _reason(err: BaseException) -> str:
    """The innermost words: those of the system, without the names of classes around them."""
    while err.__cause__ is not None and not isinstance(err, OSError):
        err = err.__cause__
    if isinstance(err, NewConnectionError):
        return str(err).rpartition(": ")[2]
    strerror = getattr(err, "strerror", None)
    return str(getattr(err, "verify_message", None) or strerror or err)
