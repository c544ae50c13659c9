"""A way between two hosts that can be cut, stopped, slowed and counted.

with relaying(port) as relay:
    relay.cut_after(1000)     # the next connection ends after so many bytes to the server
    relay.stall()             # nothing is carried, and nobody is told
    …  # connect to relay.port
"""

import contextlib
import queue
import socket
import threading
from collections import deque
from collections.abc import Iterator
from typing import Self

from holdfast.base.clock import SystemClock

_PIECE = 1 << 16


class Relay:
    """`delay` is for each way; `connections` are counted, and bytes to the server.

    `collected` came from the client, `carried` went on to the server.
    """

    def __init__(self, port: int, *, host: str = "127.0.0.1", delay: float = 0.0) -> None:
        self._to, self._delay = (host, port), delay
        self._clock = SystemClock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._lock = threading.Lock()
        self._pairs: list[_Pair] = []
        self._ever: list[_Pair] = []
        self._cuts: deque[int] = deque()
        self._is_over = False
        self._flowing = threading.Event()
        self._flowing.set()
        self.refuses = False
        self.connections = 0
        self.collected = 0
        self.carried = 0
        self._thread = threading.Thread(target=self._accept_all, name="relay")

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut_after(self, *counts: int) -> None:
        """Each is for one connection, in the order they come."""
        self._cuts.extend(counts)

    def cut(self) -> None:
        """End all connections, now."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.end()

    def stall(self) -> None:
        self._flowing.clear()

    def go_on(self) -> None:
        self._flowing.set()

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._is_over = True
        self.go_on()
        self._thread.join()
        self.cut()
        for pair in self._ever:
            pair.join()
        self._listener.close()

    def wait(self, came: float) -> None:
        """What a carrier does before each piece, of which it knows when it came."""
        self._flowing.wait()
        if self._delay:
            self._clock.sleep(max(0.0, came + self._delay - self._clock.monotonic()))

    def now(self) -> float:
        return self._clock.monotonic()

    def count(self, *, collected: int = 0, carried: int = 0) -> None:
        with self._lock:
            self.collected += collected
            self.carried += carried

    def _accept_all(self) -> None:
        while not self._is_over:
            try:
                near, _address = self._listener.accept()
            except TimeoutError:
                continue
            near.settimeout(None)
            if self.refuses:
                near.close()
                continue
            try:
                far = socket.create_connection(self._to, 10)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._begin(near, far)

    def _begin(self, near: socket.socket, far: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            pair = _Pair(self, near, far, self._cuts.popleft() if self._cuts else None)
            self._pairs.append(pair)
            self._ever.append(pair)
        pair.start()


class _Waiting(queue.Queue[tuple[float, bytes] | None]):
    """What is on its way, with the moment it came; None ends it."""

    def __init__(self) -> None:
        super().__init__(maxsize=1024)


class _Pair:
    def __init__(
        self, relay: Relay, near: socket.socket, far: socket.socket, most: int | None
    ) -> None:
        self._relay, self._near, self._far, self._left = relay, near, far, most
        self._threads = [
            threading.Thread(target=act, args=(near, far, waiting), name="relay")
            for near, far, waiting in ((near, far, _Waiting()), (far, near, _Waiting()))
            for act in (self._collect, self._carry)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
        self._near.close()
        self._far.close()

    def end(self) -> None:
        for side in (self._near, self._far):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _collect(self, source: socket.socket, _to: socket.socket, waiting: "_Waiting") -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(_PIECE):
                if source is self._near:
                    self._relay.count(collected=len(content))
                waiting.put((self._relay.now(), content))
        waiting.put(None)

    def _carry(self, source: socket.socket, to: socket.socket, waiting: "_Waiting") -> None:
        is_there = source is self._near
        is_cut = False
        while (piece := waiting.get()) is not None:
            # When it is over, who collects may still wait for room.
            is_cut = is_cut or not self._deliver(piece, to, is_there=is_there)
            if is_cut:
                self.end()
        self.end()

    def _deliver(self, piece: tuple[float, bytes], to: socket.socket, *, is_there: bool) -> bool:
        came, content = piece
        self._relay.wait(came)
        if is_there:
            content = self._cut(content)
            self._relay.count(carried=len(content))
        try:
            to.sendall(content)
        except OSError:
            return False
        return not is_there or self._left != 0

    def _cut(self, content: bytes) -> bytes:
        if self._left is None:
            return content
        kept = content[: self._left]
        self._left -= len(kept)
        return kept


@contextlib.contextmanager
def relaying(port: int, *, delay: float = 0.0) -> Iterator[Relay]:
    """To a port of loopback, until the block ends."""
    relay = Relay(port, delay=delay).start()
    try:
        yield relay
    finally:
        relay.stop()
