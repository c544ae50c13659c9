"""What a machine shows: its screen as a picture, its serial console as bytes."""

from dataclasses import dataclass
from typing import Any, Self

from holdfast.hypervisor.binding import load, translated
from holdfast.hypervisor.domains import Domain

_CHUNK = 64 << 10
# What a stream that would have to wait answers.
_NOTHING_YET = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    mime_type: str
    data: bytes


def screenshot(domain: Domain) -> Picture:
    parts: list[bytes] = []
    with domain.host.asking(domain.name) as connection, domain.handle() as handle:
        stream = connection.newStream()
        mime_type = handle.screenshot(stream, 0)
        stream.recvAll(_keep, parts)
        stream.finish()
    return Picture(mime_type=mime_type, data=b"".join(parts))


def _keep(_stream: object, data: bytes, parts: list[bytes]) -> None:
    parts.append(data)


class Console:
    """The first serial console, from now on; whoever opens it takes it from the one before."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        libvirt = load()
        with domain.host.asking(domain.name) as connection, domain.handle() as handle:
            self._stream: Any = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
            handle.openConsole(None, self._stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> bytes:
        """What has come since the last read, perhaps nothing; never waits."""
        parts = []
        with translated(self._domain.name):
            while isinstance(data := self._stream.recv(_CHUNK), bytes) and data:
                parts.append(data)
        return b"".join(parts)

    def write(self, data: bytes) -> None:
        """Type this, as far as the console takes it."""
        with translated(self._domain.name):
            while data and (sent := self._stream.send(data)) != _NOTHING_YET:
                data = data[sent:]

    def close(self) -> None:
        try:
            self._stream.abort()
        except load().libvirtError:
            # The machine ended first, and took the stream along.
            return
