"""The way from one machine to the servers: a proxy that can be cut, and knows several servers."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

_LARGEST_HEAD = 8192
_PIECE = 1 << 16
_CONNECT = 3.0
_TICK = 0.2


class Way:
    """An HTTP proxy on loopback. Whatever host is asked for, it leads to one of the servers.

    `servers` gives their ports, the best first: who does not answer is passed over.
    """

    def __init__(self, servers: Callable[[], Sequence[int]]) -> None:
        self._servers = servers
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.is_cut = self._is_silent = False
        self._is_over = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="way", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self, *, silent: bool) -> None:
        """Refuse and break connections, or, silent, let every byte vanish."""
        with self._lock:
            self.is_cut, self._is_silent = True, silent
        if not silent:
            self._break_all()

    def mend(self) -> None:
        with self._lock:
            self.is_cut = False
        if self._is_silent:
            # What vanished would have been sent again by a real network; ours cannot.
            self._break_all()

    def close(self) -> None:
        self._is_over = True
        self._break_all()
        self._thread.join()
        self._listener.close()

    def _break_all(self) -> None:
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while not self._is_over:
            if not select.select([self._listener], [], [], _TICK)[0]:
                continue
            client, _address = self._listener.accept()
            if self.is_cut and not self._is_silent:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            stack.enter_context(self._known(client))
            if not _read_head(client):
                return
            server = self._connected()
            if server is None:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            stack.enter_context(self._known(server))
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            self._pass_on(client, server)

    @contextlib.contextmanager
    def _known(self, one: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(one)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(one)
            one.close()

    def _connected(self) -> socket.socket | None:
        for port in self._servers():
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), timeout=_CONNECT)
        return None

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        client.settimeout(None)
        server.settimeout(None)
        other = {client: server, server: client}
        while not self._is_over:
            for ready in select.select([client, server], [], [], _TICK)[0]:
                piece = ready.recv(_PIECE)
                if not piece:
                    return
                if not self.is_cut:
                    other[ready].sendall(piece)


def _read_head(client: socket.socket) -> bool:
    client.settimeout(_CONNECT)
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(_LARGEST_HEAD)
        head += piece
        if not piece or len(head) > _LARGEST_HEAD:
            return False
    return head.startswith(b"CONNECT ")
