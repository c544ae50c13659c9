"""The life of one server process: state, keys, workflows, web; and its end, in reverse."""

import contextlib
import logging
import resource
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from fastapi import FastAPI

from holdfast.app import service_manager
from holdfast.app.control.accounts import add_first_administrator
from holdfast.app.control.plane import Plane
from holdfast.app.control.server_errors import ListenRefused
from holdfast.app.control.server_settings import ServerSettings, address_of, certificate_names
from holdfast.app.control.starting import make_plane, opened, sole_owner
from holdfast.app.control.unlocking import forget_ended
from holdfast.app.control.webhook_calls import WebhookCalls
from holdfast.base.clock import Clock
from holdfast.server import health, logs, metrics, tls
from holdfast.server.application import make_app
from holdfast.server.limits import Limited
from holdfast.server.neighbouring import neighbouring
from holdfast.server.observing import Observed
from holdfast.server.web import WebServer
from holdfast.storage.protocol import Storage

_log = logging.getLogger(__name__)
# What workflows may still take after the web has ended.
_WORKFLOW_SECONDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What a person who starts a server wants to know."""

    address: str
    listening: str
    ca_fingerprint: str
    # Of the account `admin`, and only when it was made just now.
    password: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process is given by whoever starts it."""

    clock: Clock
    storage_at: Callable[[str], Storage]
    on_ready: Callable[[Ready], None]
    # Puts the console into the application; None: this server has none.
    console: Callable[[FastAPI, Plane], None] | None = None
    service_manager: str | None = None


def run(settings: ServerSettings, around: Surroundings) -> None:
    """Serve until a signal says to end."""
    logs.set_up()
    _allow_many_connections()
    with (
        sole_owner(settings.folder),
        contextlib.closing(listen(*settings.place)) as listener,
        opened(settings, around.clock) as state,
    ):
        port = listener.getsockname()[1]
        plane = make_plane(
            state,
            clock=around.clock,
            address=address_of(settings, port),
            storage_at=around.storage_at,
            webhooks=_webhooks(settings),
        )
        pair = _pair(settings, plane)
        context = tls.make_context(pair, plane.authority)
        app = assemble(plane, settings)
        if around.console is not None:
            around.console(app, plane)
        with neighbouring(plane), _workflows(plane, settings):
            server = WebServer(
                served(app, plane),
                listener,
                context,
                on_ready=lambda: _say_ready(plane, listener, around),
                on_stopping=lambda: _stop_taking(app, around),
                renew=lambda: tls.load_pair(context, _pair(settings, plane)),
                tidy=lambda: forget_ended(plane),
            )
            server.run()


def _webhooks(settings: ServerSettings) -> WebhookCalls:
    return WebhookCalls(settings.folder, [ip_network(one) for one in settings.webhook_networks])


def assemble(plane: Plane, settings: ServerSettings) -> FastAPI:
    """The application with what only a process has: its health and its metrics."""
    app = make_app(plane)
    checks = {"room": health.room_check(settings.folder)}
    if settings.workflows and settings.executor_id:
        checks["workflows"] = health.workflow_check(plane, settings.executor_id)
    app.state.checks = checks
    app.state.metrics_token = settings.metrics_token
    app.include_router(health.router)
    app.include_router(metrics.router)
    return app


def served(app: FastAPI, plane: Plane) -> Observed:
    return Observed(Limited(app), plane.clock)


def listen(host: str, port: int) -> socket.socket:
    """A socket nobody connects to yet; port 0 takes a free one."""
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _kind, _protocol, _name, address = found[0]
        both = family == socket.AF_INET6 and host in ("", "::")
        listener = socket.create_server(address, family=family, dualstack_ipv6=both)
    except OSError as err:
        place = f"{host}:{port}"
        raise ListenRefused(address=place, reason=err.strerror or err) from err
    # Connections inherit it. The event loop sets it only where a socket names its protocol, and
    # without it the second half of each answer waits 40 ms for the first to be acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _pair(settings: ServerSettings, plane: Plane) -> tls.Pair:
    """The certificate to show: the operator's, or our own, renewed if it is time."""
    if settings.cert and settings.key:
        pair = tls.Pair.of(settings.cert, settings.key)
        plane.authority.operators_chain = tls.chain_of(pair)
        return pair
    names = certificate_names(settings)
    return tls.own_pair(settings.folder, plane.authority, names=names, now=plane.clock.now())


@contextlib.contextmanager
def _workflows(plane: Plane, settings: ServerSettings) -> Iterator[None]:
    if not settings.workflows:
        yield
        return
    from holdfast.server.workflows import engine  # a second to import

    assert settings.executor_id is not None
    engine.start(plane, settings.executor_id)
    try:
        yield
    finally:
        engine.stop(patience=_WORKFLOW_SECONDS)


def _say_ready(plane: Plane, listener: socket.socket, around: Surroundings) -> None:
    host, port = listener.getsockname()[:2]
    ready = Ready(
        address=plane.address,
        listening=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        ca_fingerprint=plane.authority.fingerprint,
        password=add_first_administrator(plane),
    )
    around.on_ready(ready)
    service_manager.tell(around.service_manager, service_manager.READY)
    _log.info("serving at %s", ready.listening)


def _stop_taking(app: FastAPI, around: Surroundings) -> None:
    """Those who wait for work are sent home; what is under way may end."""
    service_manager.tell(around.service_manager, service_manager.STOPPING)
    app.state.checks["process"] = lambda: "the server is stopping"
    bell = getattr(app.state, "bell", None)
    if bell is not None:
        bell.ring_for_all()
    _log.info("stopping")


def _allow_many_connections() -> None:
    """Each agent keeps one open, and the usual limit is a thousand."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
