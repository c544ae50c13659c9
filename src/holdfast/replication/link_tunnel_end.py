"""The site's end of a tunnel: the socket it leads to, and what may go into it."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.replication.link_errors import DoorOutOfOrder, DoorShut
from holdfast.replication.link_tunnel import AskTunnel, DoorName, Guard, all_of_it
from holdfast.replication.link_tunnel_calls import MigrationCalls

_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    local: socket.socket
    guard: Guard


@contextlib.contextmanager
def opened_end(asked: AskTunnel, path: Path | None) -> Iterator[End]:
    """`path` is None where that door is shut."""
    if path is None:
        raise DoorShut(door=asked.door.value, vm=asked.vm)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as local:
        try:
            local.settimeout(_CONNECT_SECONDS)
            local.connect(str(path))
        except OSError as err:
            reason = err.strerror or err
            raise DoorOutOfOrder(door=asked.door.value, vm=asked.vm, reason=reason) from err
        yield End(local=local, guard=_guard_of(asked.door))


def _guard_of(door: DoorName) -> Guard:
    return MigrationCalls().passed if door is DoorName.LIBVIRT else all_of_it
