"""Sockets the server takes connections on."""

import socket

from holdfast.server.running import listen


def test_short_writes_of_a_connection_wait_for_nothing() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        taken, _address = listener.accept()
        with taken:
            is_set = taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert is_set
