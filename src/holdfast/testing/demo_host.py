"""The host and the virtual machine of `holdfast demo`, until whoever started it is gone.

python -m holdfast.testing.demo_host DESCRIPTOR   # of a socket to that one
"""

import contextlib
import signal
import socket
import sys
from pathlib import Path

import msgspec

import holdfast
from holdfast.app.demo_host import HostTold
from holdfast.testing.guest_image import GuestUnavailable, guest_image
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import HostUnavailable, KvmHost

NAME = "web"
_WORK_TREE = Path(holdfast.__path__[0]).parents[1]
_INSTALLED = Path("/var/cache/holdfast/guest")


def cache() -> Path:
    """Where the kernel that is downloaded stays: with the tests' own, if they are here."""
    return _WORK_TREE / ".work" / "guest" if (_WORK_TREE / "run").exists() else _INSTALLED


def main(descriptor: int) -> None:
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit())
    with socket.socket(fileno=descriptor) as starter:
        try:
            _serve(starter)
        except (HostUnavailable, GuestUnavailable) as err:
            _tell(starter, HostTold(missing=str(err)))


def _serve(starter: socket.socket) -> None:
    image = guest_image(cache())
    with KvmHost("demo") as host:
        guest = Guest(host, NAME, image=image)
        guest.start()
        told = HostTold(uri=host.uri, folder=str(host.folder), name=NAME, uuid=guest.uuid)
        _tell(starter, told)
        # It never says anything: what comes is its end.
        starter.recv(1)


def _tell(starter: socket.socket, told: HostTold) -> None:
    with contextlib.suppress(BrokenPipeError):
        starter.sendall(msgspec.json.encode(told) + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
