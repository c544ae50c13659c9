"""Serving disks read-only over a unix socket, to QEMU and every other NBD client.

For machines that run straight off a vault: a thread takes the requests of a client, a crew of
threads reads what they ask for, and a hole costs nobody a read.
"""

import contextlib
import errno
import os
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from holdfast.base.errors import HoldfastError
from holdfast.disks.errors import DiskNotServed
from holdfast.disks.nbd_address import limit_waiting
from holdfast.disks.nbd_greeting import agree
from holdfast.disks.nbd_session import Complain, Session
from holdfast.disks.nbd_stream import NbdStream
from holdfast.disks.source import DiskSource, Layout

_CREW = 8
# A client has to say what it wants in this time; afterwards it may be silent for ever.
_GREETING = 60.0
_PAUSE = 0.1


class NbdServer:
    """Serves each source under its name from when it is entered until it is left.

    A single source is also served under the empty name. `complain` hears, in some thread, why a
    source could not be read; the client only learns that it could not.
    """

    def __init__(
        self,
        exports: Mapping[str, DiskSource],
        path: Path,
        *,
        mode: int = 0o600,
        complain: Complain | None = None,
        crew: int = _CREW,
    ) -> None:
        self._exports = dict(exports)
        self._path = path
        self._mode = mode
        self._complain: Complain = complain or (lambda _error: None)
        self._layouts = {name: Layout(source) for name, source in self._exports.items()}
        self._crew = ThreadPoolExecutor(crew, thread_name_prefix="disk-reader")
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._clients: dict[threading.Thread, NbdStream] = {}

    def __enter__(self) -> Self:
        self._listener = self._listen()
        self._door = threading.Thread(target=self._accept, name="disk-server", daemon=True)
        self._door.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Hang up on every client; reads of a source that are under way come to their end."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._door.join()
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        with self._guard:
            clients = list(self._clients.items())
        for thread, stream in clients:
            stream.hang_up()
            thread.join()
        self._crew.shutdown(wait=True)

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        try:
            self._bind(listener)
            # Nobody gets in before it listens, so nobody gets in before it is closed to others.
            os.chmod(self._path, self._mode)
            listener.listen(64)
        except OSError as err:
            listener.close()
            raise DiskNotServed(place=self._path, reason=err.strerror or err) from err
        return listener

    def _bind(self, listener: socket.socket) -> None:
        try:
            listener.bind(str(self._path))
        except OSError as err:
            if err.errno != errno.EADDRINUSE or not _is_left_over(self._path):
                raise
            os.unlink(self._path)
            listener.bind(str(self._path))

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                # Too many open files, when it is not the end: some client will leave.
                self._stopping.wait(_PAUSE)
                continue
            stream = NbdStream(connection, place="client", patience=_GREETING)
            thread = threading.Thread(target=self._serve, args=(connection, stream), daemon=True)
            with self._guard:
                self._clients[thread] = stream
            thread.start()

    def _serve(self, connection: socket.socket, stream: NbdStream) -> None:
        try:
            limit_waiting(connection, _GREETING)
            wish = agree(stream, self._exports)
            if wish is not None:
                # No limit: a machine may be idle, or stopped by a debugger, for days.
                limit_waiting(connection, 0)
                source, layout = self._exports[wish.export], self._layouts[wish.export]
                Session(stream, wish, source, layout=layout).run(self._crew, self._complain)
        except (HoldfastError, OSError):
            # It left, or it did not speak NBD: it is its own problem, and nobody else's.
            pass
        finally:
            stream.close()
            with self._guard:
                self._clients.pop(threading.current_thread(), None)


def _is_left_over(path: Path) -> bool:
    """Whether a socket lies there that nobody listens on any more."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return path.is_socket()
        except OSError:
            return False
    return False
