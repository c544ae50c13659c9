"""The way to the server: requests under this machine's certificate, answers as our messages."""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3

from holdfast.agent.errors import CertificateNotAccepted, ServerRefused
from holdfast.app.server_errors import ServerNotReached, ServerNotTrusted
from holdfast.base.errors import HoldfastError
from holdfast.storage.rest import proxy_login

_T = TypeVar("_T")
_PREFIX = "/api/v1/agent"
_PATIENCE = 20.0
_CONNECT = 10.0
_PASSES = frozenset(
    (
        *(HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS),
        *(HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Where the server is and how both sides prove who they are; names of files."""

    server: str
    ca: str
    certificate: str
    key: str
    proxy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class Link:
    """To be used from any thread."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._lock = threading.Lock()
        self._pool: urllib3.PoolManager | None = None
        self._files = self._stamps()

    @property
    def server(self) -> str:
        return self._identity.server

    def reload(self) -> None:
        """Certificate and key may be others now."""
        with self._lock:
            pool, self._pool, self._files = self._pool, None, self._stamps()
        if pool is not None:
            pool.clear()

    def refresh(self) -> bool:
        """Whether certificate or key were others; from now on they are shown."""
        if self._stamps() == self._files:
            return False
        self.reload()
        return True

    def ask(
        self,
        method: str,
        path: str,
        reply: type[_T],
        *,
        body: object = None,
        fields: Mapping[str, object] | None = None,
        wait: float = 0,
    ) -> _T:
        """One request; `wait` is how long the server may take to have something to say."""
        answer = self.request(method, path, body=body, fields=fields, wait=wait)
        try:
            return msgspec.json.decode(answer.body, type=reply)
        except msgspec.MsgspecError as err:
            raise ServerNotReached(server=self.server, reason=err) from err

    def tell(self, method: str, path: str, *, body: object = None) -> None:
        """One request whose answer says nothing."""
        self.request(method, path, body=body)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        fields: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        wait: float = 0,
    ) -> Answer:
        """The answer, of a status that is fine or says that nothing has changed."""
        url = f"{self.server}{_PREFIX}{path}"
        content = None if body is None else msgspec.json.encode(body)
        sent = {"Accept": "application/json", **(headers or {})}
        if content is not None:
            sent["Content-Type"] = "application/json"
        query = {name: str(value) for name, value in (fields or {}).items()}
        try:
            answer = self._pooled().request(
                method,
                f"{url}?{urlencode(query)}" if query else url,
                body=content,
                headers=sent,
                timeout=urllib3.Timeout(connect=_CONNECT, read=_PATIENCE + wait),
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as err:
            raise self._trouble(err) from err
        if answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status == HTTPStatus.NOT_MODIFIED:
            return Answer(status=answer.status, body=answer.data, headers=answer.headers)
        raise self._refusal(f"{method} {path}", answer.status, answer.data)

    def _stamps(self) -> list[tuple[int, int] | None]:
        mine = self._identity
        return [_stamp(path) for path in (mine.ca, mine.certificate, mine.key)]

    def _pooled(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None:
                self._pool = self._connected()
            return self._pool

    def _connected(self) -> urllib3.PoolManager:
        mine = self._identity
        settings: dict[str, Any] = {
            "ca_certs": mine.ca,
            "cert_file": mine.certificate,
            "key_file": mine.key,
            "ssl_minimum_version": 0x0303,  # TLS 1.2
            "maxsize": 4,
        }
        if mine.proxy:
            return urllib3.ProxyManager(
                mine.proxy, proxy_headers=proxy_login(mine.proxy), **settings
            )
        return urllib3.PoolManager(**settings)

    def _trouble(self, err: Exception) -> HoldfastError:
        """What became of a request that got no answer."""
        said = str(err)
        if "CERTIFICATE_VERIFY_FAILED" in said or isinstance(err, FileNotFoundError):
            return ServerNotTrusted(server=self.server, reason=said)
        if "_ALERT_CERTIFICATE_" in said or "ALERT_UNKNOWN_CA" in said:
            return CertificateNotAccepted(server=self.server, reason=said)
        return ServerNotReached(server=self.server, reason=said)

    def _refusal(self, what: str, status: int, body: bytes) -> HoldfastError:
        problem = _read_problem(body)
        reason = problem.get("detail") or f"HTTP {status}"
        if status in _PASSES:
            return ServerNotReached(server=self.server, reason=reason)
        if status == HTTPStatus.UNAUTHORIZED:
            return CertificateNotAccepted(server=self.server, reason=reason)
        code = problem.get("code", f"http-{status}")
        advice = problem.get("remedy", "")
        return ServerRefused(what=what, reason=reason, said=code, advice=advice, status=status)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns


def _read_problem(body: bytes) -> dict[str, str]:
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
