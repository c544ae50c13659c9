"""The way to a vault behind a URL, stage by stage: the first one that fails is the one to mend."""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from holdfast.app.deadlines import within
from holdfast.base.clock import Clock

_PATIENCE = 4.0
# How long each of several places may take, all at once.
_ALL_PATIENCE = 3.0
# Whom to trust; called when TLS begins, as its files may be unreadable.
Trust = Callable[[], ssl.SSLContext]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: dns, tcp, proxy, tls or http, and what was seen there."""

    name: str
    reached: bool
    seen: str
    # How far our clock is ahead of the server's, where it told its time.
    ahead_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    host: str
    port: int
    is_tls: bool
    # The proxy between, if there is one.
    via: tuple[str, int] | None
    # What the proxy knows us by: the login in its URL, as those who move data show it.
    login: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def next_host(self) -> tuple[str, int]:
        return self.via or (self.host, self.port)


def walk(url: str, clock: Clock, *, trust: Trust = ssl.create_default_context) -> Iterator[Stage]:
    """Try each stage; what lies behind a failed one cannot be known and is not yielded."""
    target = _target(url)
    name = "proxy" if target.via else "tcp"
    host, port = target.next_host
    try:
        known = within(_PATIENCE, lambda: socket.getaddrinfo(host, port))
    except OSError as err:
        yield Stage(name="dns", reached=False, seen=f"{host}: {err.strerror or err}")
        return
    addresses = sorted({info[4][0] for info in known})
    yield Stage(name="dns", reached=True, seen=f"{host}: {', '.join(map(str, addresses))}")
    try:
        with socket.create_connection((host, port), _PATIENCE):
            pass
    except OSError as err:
        yield Stage(name=name, reached=False, seen=f"{host}:{port}: {err.strerror or err}")
        return
    yield Stage(name=name, reached=True, seen=f"{host}:{port}")
    yield from _spoken(target, clock, trust)


def knock(places: Sequence[tuple[str, int]]) -> list[tuple[str, Stage]]:
    """Try to connect to all of them at once; say what came of each."""
    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(_knock, places))


def _knock(place: tuple[str, int]) -> tuple[str, Stage]:
    target = f"{place[0]}:{place[1]}"
    try:
        with socket.create_connection(place, _ALL_PATIENCE):
            return target, Stage(name="tcp", reached=True, seen="connected")
    except OSError as err:
        return target, Stage(name="tcp", reached=False, seen=err.strerror or str(err))


def _target(url: str) -> _Target:
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    proxy = getproxies().get(parts.scheme)
    direct = _Target(host=host, port=parts.port or (443 if is_tls else 80), is_tls=is_tls, via=None)
    if not proxy or proxy_bypass(host):
        return direct
    from holdfast.storage.rest import proxy_login

    url = proxy if "://" in proxy else f"http://{proxy}"
    way = urlsplit(url)
    via = (way.hostname or "", way.port or 3128)
    return replace(direct, via=via, login=proxy_login(url))


def _spoken(target: _Target, clock: Clock, trust: Trust) -> Iterator[Stage]:
    try:
        connection = _connection(target, trust)
    except (OSError, ValueError) as err:
        yield Stage(name="tls", reached=False, seen=str(getattr(err, "reason", None) or err))
        return
    if target.via:
        connection.set_tunnel(target.host, target.port, dict(target.login))
    try:
        connection.connect()
        if target.is_tls:
            yield Stage(name="tls", reached=True, seen=f"{target.host}:{target.port}")
        connection.request("HEAD", "/")
        answer = connection.getresponse()
        said = f"HTTP {answer.status}"
        yield Stage(
            name="http",
            reached=True,
            seen=said,
            ahead_seconds=_ahead(answer.getheader("Date"), clock.now()),
        )
    except ssl.SSLError as err:
        yield Stage(name="tls", reached=False, seen=str(err.reason or err))
    except OSError as err:
        # A proxy's refusal (407, 403) arrives as an OSError with its status line.
        stage = "proxy" if target.via and "Tunnel" in str(err) else "http"
        yield Stage(name=stage, reached=False, seen=str(err))
    except http.client.HTTPException as err:
        yield Stage(name="http", reached=False, seen=f"{type(err).__name__}: {err}")
    finally:
        connection.close()


def _connection(target: _Target, trust: Trust) -> http.client.HTTPConnection:
    host, port = target.next_host
    if target.is_tls:
        return http.client.HTTPSConnection(host, port, timeout=_PATIENCE, context=trust())
    return http.client.HTTPConnection(host, port, timeout=_PATIENCE)


def _ahead(date: str | None, now: datetime) -> float | None:
    if not date:
        return None
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (now - told.astimezone(UTC)).total_seconds() if told.tzinfo else None
