"""Ports for servers under test that nobody else takes, not even between choosing and listening."""

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST, _LAST = 10_000, 32_000
# Where the system gives nearly all ports to whoever connects, ours must be some of them.
_FEW = 2_000
# Held until this process ends; bare descriptors, which nobody closes by mistake.
_taken: list[int] = []


def free_port() -> int:
    """A port on loopback that is this process's own until it ends.

    It is none of those the system gives to outgoing connections, and no other test run on this
    machine is given it: each number that is in use has a name in the kernel.
    """
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(_FIRST, _end())
        if _is_free(port) and _take(port):
            return port


def _end() -> int:
    try:
        first_of_system = int(_RANGE.read_text(encoding="ascii").split()[0])
    except OSError:
        return _LAST
    return first_of_system if first_of_system >= _FIRST + _FEW else _LAST


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: what is left of a former connection is not in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _take(port: int) -> bool:
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0holdfast-test-port-{port}")
    except OSError:
        name.close()
        return False
    _taken.append(name.detach())
    return True
