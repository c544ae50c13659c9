"""A port that a test chose is still its own when its server listens."""

import socket

from holdfast.testing.ports import free_port


def test_ports_differ_and_can_be_listened_on() -> None:
    ports = [free_port() for _ in range(20)]

    assert len(set(ports)) == len(ports)
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()
        # Again at once, as after a restart.
        socket.create_server(("127.0.0.1", port)).close()


def test_ports_are_none_of_outgoing_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        by_system = listener.getsockname()[1]

    assert free_port() < by_system or by_system < 12_000
