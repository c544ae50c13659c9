"""A hypervisor host: one connection, opened again by itself when its daemon was restarted."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.binding import failure_of, load, translated
from holdfast.hypervisor.failures import opening_error_of

# A daemon that is silent for this long on a network connection is gone.
_KEEPALIVE_SECONDS = 5
_KEEPALIVE_MISSED = 6
_REMOTE = ("ssh", "tcp", "tls", "libssh", "libssh2")


class Host:
    """Thread-safe. Whatever is held of a machine is its UUID, so a new connection serves too."""

    def __init__(self, uri: str, connection: Any) -> None:
        self.uri = uri
        self._connection = connection
        self._lock = threading.Lock()
        self._is_closed = False
        self._on_loss: list[Callable[[], None]] = []
        self._watch(connection)

    @classmethod
    def open(cls, uri: str = "qemu:///system") -> Self:
        return cls(uri, _opened(uri))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            _close_quietly(self._connection)

    def watch_loss(self, lost: Callable[[], None]) -> None:
        """Call this, in the event thread, when the connection breaks."""
        with self._lock:
            self._on_loss.append(lost)

    def unwatch_loss(self, lost: Callable[[], None]) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._on_loss.remove(lost)

    def _watch(self, connection: Any) -> None:
        with contextlib.suppress(load().libvirtError):
            connection.registerCloseCallback(self._broke, None)

    def _broke(self, *_told: object) -> None:
        for lost in tuple(self._on_loss):
            lost()

    @property
    def connection(self) -> Any:
        """Libvirt's connection, alive when it was looked at."""
        with self._lock:
            if not self._is_closed and not _is_alive(self._connection):
                _close_quietly(self._connection)
                self._connection = _opened(self.uri)
                self._watch(self._connection)
            return self._connection

    def is_alive(self) -> bool:
        """Whether the daemon answers now."""
        try:
            with self.asking():
                self.connection.getLibVersion()
        except HoldfastError:
            return False
        return True

    @contextmanager
    def asking(self, about: str = "") -> Iterator[Any]:
        """The connection, with libvirt's errors turned into ours."""
        with translated(about or self.uri):
            yield self.connection

    def kind(self) -> str:
        """What drives its machines, as libvirt calls it: QEMU, also where KVM does the work."""
        with self.asking() as connection:
            return str(connection.getType())

    @property
    def name(self) -> str:
        with self.asking() as connection:
            return str(connection.getHostname())

    def __repr__(self) -> str:
        return f"Host({self.uri!r})"


def is_here(uri: str) -> bool:
    """Whether the folders of that hypervisor's host are those of this machine."""
    scheme, _colon, rest = uri.partition(":")
    return scheme.partition("+")[2] not in _REMOTE and rest.startswith("///")


def _opened(uri: str) -> Any:
    libvirt = load()
    try:
        connection = libvirt.open(uri)
    except libvirt.libvirtError as err:
        raise opening_error_of(failure_of(err), uri=uri) from err
    # Drivers without a wire have nothing to keep alive, and say so by an error.
    with contextlib.suppress(libvirt.libvirtError):
        connection.setKeepAlive(_KEEPALIVE_SECONDS, _KEEPALIVE_MISSED)
    return connection


def _is_alive(connection: Any) -> bool:
    try:
        return bool(connection.isAlive())
    except load().libvirtError:
        return False


def _close_quietly(connection: Any) -> None:
    # A connection whose other end is gone has nothing left to close.
    with contextlib.suppress(load().libvirtError):
        connection.unregisterCloseCallback()
    with contextlib.suppress(load().libvirtError):
        connection.close()
