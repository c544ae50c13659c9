"""Requests of this machine to its server, while it registers and when a person asks for it."""

import ssl
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
import urllib3

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.server_errors import ServerNotReached, ServerSaid
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import language
from holdfast.storage.rest import proxy_login

PREFIX = "/api/v1"
_PATIENCE = urllib3.Timeout(connect=10, read=60)
_T = TypeVar("_T")


class AgentLink:
    """Without a folder it shows no certificate: so far this machine is nobody."""

    def __init__(
        self, server: str, *, ca: str, proxy: str | None = None, shown: AgentFolder | None = None
    ) -> None:
        self._server = server
        context = ssl.create_default_context(cadata=ca)
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        self._pool = (
            urllib3.ProxyManager(proxy, ssl_context=context, proxy_headers=proxy_login(proxy))
            if proxy
            else urllib3.PoolManager(ssl_context=context)
        )

    def ask(self, method: str, path: str, body: object, reply: type[_T]) -> _T:
        content = self._send(method, path, body)
        try:
            return msgspec.json.decode(content, type=reply)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise ServerNotReached(server=self._server, reason=err) from err

    def tell(self, method: str, path: str, body: object = None) -> None:
        self._send(method, path, body)

    def close(self) -> None:
        self._pool.clear()

    def _send(self, method: str, path: str, body: object) -> bytes:
        try:
            answer = self._pool.request(
                method,
                f"{self._server}{PREFIX}{path}",
                body=None if body is None else msgspec.json.encode(body),
                headers={"Content-Type": "application/json", "Accept-Language": language()},
                timeout=_PATIENCE,
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as err:
            raise ServerNotReached(server=self._server, reason=err) from err
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise problem_of(answer.data, status=answer.status)
        return answer.data


def problem_of(content: bytes, *, status: int) -> HoldfastError:
    """The server's error as it was there; of a kind this version does not know, its words."""
    # These are the ones it has for machines; importing them makes them known.
    from holdfast.app.control import (  # noqa: F401
        authority_errors,
        job_errors,
        registration_errors,
        replication_errors,
    )
    from holdfast.fleet import credentials_file  # noqa: F401

    try:
        problem: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = {}
    code, fields = str(problem.get("code", "")), problem.get("fields")
    kind = HoldfastError.registry.get(code)
    if kind is not None and isinstance(fields, dict):
        return kind(**fields)
    told = {"status": status, "detail": f"HTTP {status}", **problem}
    return ServerSaid(**told)
