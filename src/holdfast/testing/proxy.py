"""A proxy as offices have them: it tunnels for whoever logs in, and keeps account of it.

with running_proxy(login="ada:secret") as proxy:
    …  # proxy.url, with the login; proxy.bare_url, without
"""

import contextlib
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select

_CHUNK = 1 << 16
_PATIENCE = 60.0


class Proxy:
    """`tunnels` are the places it has led to, `refused` how often a login was missing or wrong."""

    def __init__(self, login: str) -> None:
        self.login = login
        self.tunnels: list[str] = []
        self.refused = 0
        self.bare_url = ""
        self._known = "Basic " + b64encode(login.encode()).decode("ascii")

    @property
    def url(self) -> str:
        return self.bare_url.replace("://", f"://{self.login}@")

    def admits(self, shown: str | None) -> bool:
        if shown == self._known:
            return True
        self.refused += 1
        return False


@contextlib.contextmanager
def running_proxy(*, login: str) -> Iterator[Proxy]:
    """On a free port of this machine, until the block ends."""
    proxy = Proxy(login)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        proxy.bare_url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def do_CONNECT(self) -> None:
        if not self.proxy.admits(self.headers.get("Proxy-Authorization")):
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="office"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        host, _colon, port = self.path.rpartition(":")
        try:
            beyond = socket.create_connection((host, int(port)), _PATIENCE)
        except OSError:
            self.send_error(502)
            return
        with beyond:
            self.proxy.tunnels.append(self.path)
            self.send_response(200)
            self.end_headers()
            _carry(self.connection, beyond)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's names
        """Say nothing: tests look at what it counted."""


def _carry(one: socket.socket, other: socket.socket) -> None:
    """To and fro until either side has ended."""
    with contextlib.suppress(OSError):
        while True:
            ready, _writable, _failed = select([one, other], [], [])
            for source in ready:
                content = source.recv(_CHUNK)
                if not content:
                    return
                (other if source is one else one).sendall(content)
