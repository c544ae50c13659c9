"""Word to systemd, which started this process: it is ready, it is alive, it is stopping."""

import contextlib
import socket

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


def tell(address: str | None, *words: str) -> None:
    """Say it, if anybody listens; who does not hear it will find out by itself."""
    if not address:
        return
    # A name that begins with @ stands for one without a file.
    place = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.sendto("\n".join(words).encode(), place)
