"""The way from a machine to the server in its credentials, stage by stage, with each one's error.

Names, connection, proxy, TLS with the authority of the credentials, and an answer with a clock.
What lies behind a stage that fails cannot be known.
"""

import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from holdfast.app.deadlines import within
from holdfast.app.registering_errors import (
    AuthorityDiffers,
    ClockSkewed,
    NoServerThere,
    NothingAnswers,
    ProxyForbids,
    ProxyNotReached,
    ProxyRefused,
    ServerNameUnknown,
)
from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.storage.rest import proxy_login

_PROXY_PORT = 3128
MOST_SKEW = timedelta(minutes=5)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One address of the server, and the proxy on the way there, if any."""

    server: str
    ca: str
    proxy: str | None
    # Seconds that each stage waits for an answer.
    patience: float = 8.0

    @property
    def host(self) -> str:
        return urlsplit(self.server).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.server).port or 443

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def next_place(self) -> tuple[str, int]:
        """Whom we speak to first."""
        if self.proxy is None:
            return self.host, self.port
        parts = urlsplit(self.proxy)
        return parts.hostname or "", parts.port or _PROXY_PORT

    @property
    def shown_proxy(self) -> str:
        """Without name and password."""
        host, port = self.next_place
        return f"{host}:{port}"


def proxy_for(server: str, given: str | None) -> str | None:
    """The proxy named, "none" for none; without a word the one of the environment."""
    if given is not None:
        return None if given == "none" else _with_scheme(given)
    parts = urlsplit(server)
    found = getproxies().get(parts.scheme)
    if not found or proxy_bypass(parts.hostname or ""):
        return None
    return _with_scheme(found)


def walk(way: Way, clock: Clock, *, say: Say) -> None:
    """Take every stage; raise the error of the first that fails."""
    _look_up(way)
    say(_("{host} has an address").format(host=way.next_place[0]))
    with _connected(way) as plain:
        say(_("{place} answers").format(place=":".join(map(str, way.next_place))))
        if way.proxy is not None:
            _pass_proxy(way, plain)
            say(_("The proxy lets us through"))
        with _trusted(way, plain) as secure:
            say(_("{place} is the server of the credentials").format(place=way.place))
            told = _ask_time(way, secure)
    _require_clock(told, clock.now())
    say(_("The clocks agree"))


def _look_up(way: Way) -> None:
    host, port = way.next_place
    try:
        within(way.patience, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as err:
        reason = getattr(err, "strerror", None) or err
        raise ServerNameUnknown(host=host, reason=reason) from err


def _connected(way: Way) -> socket.socket:
    try:
        return socket.create_connection(way.next_place, way.patience)
    except OSError as err:
        reason = err.strerror or err
        if way.proxy is not None:
            raise ProxyNotReached(proxy=way.shown_proxy, reason=reason) from err
        raise NothingAnswers(place=way.place, reason=reason) from err


def _pass_proxy(way: Way, plain: socket.socket) -> None:
    """Ask the proxy for a tunnel; its refusal is told with what it wants."""
    lines = [f"CONNECT {way.place} HTTP/1.1", f"Host: {way.place}"]
    login = proxy_login(way.proxy or "")
    lines += [f"{name.title()}: {value}" for name, value in login.items()]
    try:
        plain.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        answer = http.client.HTTPResponse(plain, method="CONNECT")
        with answer:
            answer.begin()
    except (OSError, http.client.HTTPException) as err:
        raise ProxyForbids(proxy=way.shown_proxy, place=way.place, reason=err) from err
    if answer.status == http.client.PROXY_AUTHENTICATION_REQUIRED:
        schemes = _schemes(answer.headers.get_all("Proxy-Authenticate") or [])
        raise ProxyRefused(proxy=way.shown_proxy, place=way.place, schemes=schemes)
    if not http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES:
        reason = f"HTTP {answer.status} {answer.reason}"
        raise ProxyForbids(proxy=way.shown_proxy, place=way.place, reason=reason)


def _schemes(headers: list[str]) -> str:
    named = [header.split()[0] for header in headers if header.split()]
    return ", ".join(dict.fromkeys(named)) or "?"


def _trusted(way: Way, plain: socket.socket) -> ssl.SSLSocket:
    try:
        context = ssl.create_default_context(cadata=way.ca)
        return context.wrap_socket(plain, server_hostname=way.host)
    except (ssl.SSLError, ValueError) as err:
        reason = getattr(err, "verify_message", None) or getattr(err, "reason", None) or err
        raise AuthorityDiffers(place=way.place, reason=reason) from err
    except OSError as err:
        raise NothingAnswers(place=way.place, reason=err.strerror or err) from err


def _ask_time(way: Way, secure: ssl.SSLSocket) -> datetime | None:
    """What time the server says it is."""
    request = f"GET /healthz HTTP/1.1\r\nHost: {way.place}\r\nConnection: close\r\n\r\n"
    try:
        secure.sendall(request.encode("latin-1"))
        answer = http.client.HTTPResponse(secure)
        with answer:
            answer.begin()
        date = answer.getheader("Date")
    except (OSError, http.client.HTTPException) as err:
        raise NoServerThere(place=way.place, reason=err) from err
    # One that is ill says so with a number above; that is for others to judge.
    if http.client.MULTIPLE_CHOICES <= answer.status < http.client.INTERNAL_SERVER_ERROR:
        raise NoServerThere(place=way.place, reason=f"HTTP {answer.status}")
    return _moment(date)


def _moment(date: str | None) -> datetime | None:
    try:
        told = parsedate_to_datetime(date) if date else None
    except ValueError:
        return None
    return told.astimezone(UTC) if told and told.tzinfo else None


def _require_clock(told: datetime | None, now: datetime) -> None:
    if told is None:
        return
    skew = now - told
    if abs(skew) > MOST_SKEW:
        direction = _("ahead of") if skew > timedelta(0) else _("behind")
        shown = timedelta(seconds=round(abs(skew).total_seconds()))
        raise ClockSkewed(skew=shown, direction=direction)


def _with_scheme(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"
