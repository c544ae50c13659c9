"""uvicorn's server with what a long-running service needs: signals, renewal, an orderly end."""

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn

from holdfast.server.protocol import Protocol

_log = logging.getLogger(__name__)
_HANDSHAKE_SECONDS = 10.0
_KEEP_ALIVE_SECONDS = 75
# What runs longer is cut off; agents and uploads go on where they were.
GRACE_SECONDS = 14
_BACKLOG = 2048
# Most of what goes on in threads waits, for the database or for another host. The few that there
# are by default where there are few processors would have the agents wait behind it.
_THREADS = 20
# Uploads go by HTTP; what a page says of itself is short.
_WEBSOCKET_BYTES = 1 << 20
# The server's loop ticks ten times a second.
_MINUTE, _HOUR = 600, 36000
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class WebServer(uvicorn.Server):
    """Serves an application on a socket until SIGTERM; SIGHUP takes new certificates.

    `on_ready` is called once connections are taken, `on_stopping` before the first is refused,
    `renew` every hour and at SIGHUP, `tidy` every minute, each in a thread.
    """

    def __init__(  # noqa: PLR0913  what it does besides serving
        self,
        app: Callable[..., Any],
        listener: socket.socket,
        context: ssl.SSLContext,
        *,
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None],
        renew: Callable[[], None],
        tidy: Callable[[], object],
    ) -> None:
        super().__init__(_config(app))
        self._listener, self._context = listener, context
        self._on_ready, self._on_stopping, self._renew = on_ready, on_stopping, renew
        self._tidy = tidy
        self._under_way: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  the base's signature
        """As the base does it, but with a limit on how long a handshake may take."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise RuntimeError("the application did not start")
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="work"))
        server = await loop.create_server(
            self._protocol,
            sock=self._listener,
            ssl=self._context,
            backlog=_BACKLOG,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS,
        )
        self.servers = [server]
        loop.add_signal_handler(signal.SIGHUP, self._renew_later)
        self.started = True
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stopping()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        if counter and counter % _HOUR == 0:
            self._renew_later()
        if counter and counter % _MINUTE == 0:
            self._later(self._tidy, "what has ended not forgotten")
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Being told to end is how a service ends well: the base would end it by the signal."""
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _protocol(self) -> Protocol:
        return Protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _renew_later(self) -> None:
        # What is in use stays in use; the next try is an hour away.
        self._later(self._renew, "certificate not renewed")

    def _later(self, work: Callable[[], object], failed: str) -> None:
        task = asyncio.get_running_loop().create_task(_done(work, failed))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


async def _done(work: Callable[[], object], failed: str) -> None:
    try:
        await asyncio.to_thread(work)
    except Exception:
        _log.exception(failed)


def _config(app: Callable[..., Any]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        # For the console; where there is none, nobody answers an upgrade.
        ws="websockets-sansio",
        ws_max_size=_WEBSOCKET_BYTES,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whom an address belongs to decides who may read metrics: no header may say it.
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
