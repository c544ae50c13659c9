"""Where disks are served, and the way there."""

import contextlib
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from holdfast.disks.errors import DiskServerUnreachable

# The most bytes the path of a unix socket may have.
LONGEST_PATH = 107
_TIME = struct.Struct("ll")
# A disk's reader has megabytes on their way; what the kernel does not allow it makes smaller.
_BUFFER = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixAddress:
    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpAddress:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


Address = UnixAddress | TcpAddress


def connect(address: Address, *, patience: float) -> socket.socket:
    """A connected socket on which no call waits longer than `patience` seconds."""
    try:
        if isinstance(address, UnixAddress):
            connection = _connect_unix(address, patience=patience)
        else:
            connection = socket.create_connection((address.host, address.port), timeout=patience)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as err:
        raise DiskServerUnreachable(place=address, reason=err.strerror or err) from err
    limit_waiting(connection, patience)
    return connection


def limit_waiting(connection: socket.socket, patience: float) -> None:
    """Let the kernel end calls that wait too long: a time-out of Python's costs a poll per call."""
    connection.settimeout(None)
    seconds, rest = divmod(round(patience * 1_000_000), 1_000_000)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, _TIME.pack(seconds, rest))
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)


def _connect_unix(address: UnixAddress, *, patience: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(patience)
        connection.connect(str(address.path))
    except OSError:
        connection.close()
        raise
    return connection
