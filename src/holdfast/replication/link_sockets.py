"""Sockets as the link wants them."""

import contextlib
import socket
from collections.abc import Sequence

from holdfast.base.units import KIB

# linux/tcp.h; older Pythons do not name it.
_TCP_NOTSENT_LOWAT = 25
# What the kernel keeps that has not gone out: a log that comes later waits for no more than this.
_UNSENT = 256 * KIB
_LINGER = 2.0
_MOST_DRAINED = 1 << 20


def listen(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """On all of them or on none; "" is every address of this host, port 0 one that is free."""
    with contextlib.ExitStack() as opened:
        listeners = [opened.enter_context(_listen(host, port)) for host in hosts]
        opened.pop_all()
    return listeners


def _listen(host: str, port: int) -> socket.socket:
    listener = _created(host, port)
    # Who knocked may be gone when the door is opened.
    listener.settimeout(0)
    return listener


def _created(host: str, port: int) -> socket.socket:
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def tune(connection: socket.socket) -> None:
    # No TCP_USER_TIMEOUT: it ends connections to a site that reads nothing while its disk is slow.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT)


def drain(connection: socket.socket) -> None:
    """Say that no more comes and read what does, for a moment, so that the last words arrive."""
    with contextlib.suppress(OSError):
        # Not those of SSLSocket: its session is over.
        socket.socket.shutdown(connection, socket.SHUT_WR)
        connection.settimeout(_LINGER)
        left = _MOST_DRAINED
        while left > 0 and (content := socket.socket.recv(connection, 1 << 16)):
            left -= len(content)
