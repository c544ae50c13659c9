"""One POST to a webhook: to an address that was looked at first, without redirects, read in part."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.base.clock import Clock
from holdfast.base.programs import last_words
from holdfast.recovery.plans.plan_errors import WebhookRefused
from holdfast.recovery.plans.web_addresses import (
    host_of,
    is_secret_there,
    port_of,
    shown_address,
)

_FINE = range(200, 300)
# What a person is shown of an answer is shorter still.
_MOST_READ = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """`token` is shown to nobody but the other side."""

    address: str
    body: bytes
    key: str
    token: str = field(default="", repr=False)
    # Seconds for all of it.
    within: float
    # Of an address that the name leads to: whether nothing is sent there.
    is_refused: Callable[[str], bool] = lambda _address: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    said: bytes


def post(wanted: Post, clock: Clock) -> Answer:
    """OSError says that it did not come about, without anything of the address in it."""
    import urllib3
    from urllib3.exceptions import HTTPError

    host, port = host_of(wanted.address), port_of(wanted.address)
    deadline = clock.monotonic() + wanted.within
    place = _place(host, port, wanted.is_refused)
    pool: urllib3.HTTPConnectionPool
    if is_secret_there(wanted.address):
        pool = urllib3.HTTPSConnectionPool(
            place, port, server_hostname=host, assert_hostname=host, ssl_context=_verifying()
        )
    else:
        pool = urllib3.HTTPConnectionPool(place, port)
    path = wanted.address.split("://", 1)[1].partition("#")[0]
    start = min((path.find(sign) for sign in "/?" if sign in path), default=len(path))
    target = path[start:]
    try:
        with pool:
            answer = pool.request(
                "POST",
                target if target.startswith("/") else f"/{target}",
                body=wanted.body,
                headers=_headers(wanted, host, port),
                timeout=urllib3.Timeout(total=wanted.within),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            said = b""
            while len(said) < _MOST_READ and clock.monotonic() < deadline:
                more = answer.read1(_MOST_READ)
                if not more:
                    break
                said += more
            answer.close()
            return Answer(status=answer.status, said=said)
    except HTTPError as err:
        # Its text has the path, which may be a secret.
        raise OSError(_reason(err)) from err


def require_fine(address: str, answer: Answer) -> str:
    """What it said; WebhookRefused where that was no yes."""
    said = last_words(answer.said)
    if answer.status not in _FINE:
        raise WebhookRefused(address=shown_address(address), status=answer.status, said=said)
    return said


def _place(host: str, port: int, is_refused: Callable[[str], bool]) -> str:
    """The address that is connected to is the one that was looked at: a name may change its mind."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    fit = [one for one in dict.fromkeys(found) if not is_refused(one)]
    if not fit or len(fit) < len(dict.fromkeys(found)):
        raise PermissionError(f"{host} is {', '.join(dict.fromkeys(found))}")
    return _reachable(fit, port)


def _reachable(addresses: list[str], port: int) -> str:
    """Of several the first that takes connections: a host may have an address nobody routes."""
    if len(addresses) == 1:
        return addresses[0]
    for one in addresses:
        try:
            socket.create_connection((one, port), timeout=5.0).close()
        except OSError:
            continue
        return one
    return addresses[0]


def _headers(wanted: Post, host: str, port: int) -> dict[str, str]:
    named = f"[{host}]" if ":" in host else host
    found = {
        "Host": f"{named}:{port}",
        "Content-Type": "application/json",
        "Idempotency-Key": wanted.key,
        "User-Agent": "holdfast",
    }
    return found | ({"Authorization": f"Bearer {wanted.token}"} if wanted.token else {})


def _verifying() -> ssl.SSLContext:
    return ssl.create_default_context()


def _reason(err: Exception) -> str:
    inner = getattr(err, "reason", None) or err.__cause__ or err
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"TLS: {inner.verify_message}"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    if "timed out" in str(err):
        return "timed out"
    return type(inner).__name__
