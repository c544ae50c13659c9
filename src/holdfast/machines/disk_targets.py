"""Where a disk is restored to: a raw file or block device, or whatever an NBD server writes to."""

import os
import stat
import threading
from collections.abc import Callable
from ctypes import CDLL, c_int, c_longlong
from functools import cache
from typing import Protocol, Self

from holdfast.disks.nbd_client import NbdClient
from holdfast.machines.errors import unwritable
from holdfast.machines.open_file import OpenFile

# fallocate(2): make a hole, and keep the size.
_PUNCH = 0x02 | 0x01
_FILL = bytes(1 << 20)


class DiskTarget(Protocol):
    """May be used by several threads at once, each for other bytes."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes | memoryview: ...

    def write(self, offset: int, content: bytes | bytearray | memoryview) -> None: ...

    def write_zeroes(self, offset: int, length: int) -> None: ...

    def flush(self) -> None:
        """After this what was written survives a crash."""


class FileTarget(OpenFile):
    """A raw file, made sparse where there are zeros, or a block device."""

    def __init__(self, path: str, *, size: int | None = None) -> None:
        """With a size a new file is made, without one it must be there."""
        flags = os.O_RDWR | (os.O_CREAT | os.O_EXCL if size is not None else 0)
        try:
            super().__init__(path, flags, size=size)
            self._is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        except OSError as err:
            raise unwritable(path, err) from err

    def read(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as err:
            raise unwritable(self.path, err) from err

    def write(self, offset: int, content: bytes | bytearray | memoryview) -> None:
        view = memoryview(content)
        try:
            while view:
                done = os.pwrite(self._descriptor, view, offset)
                view, offset = view[done:], offset + done
        except OSError as err:
            raise unwritable(self.path, err) from err

    def write_zeroes(self, offset: int, length: int) -> None:
        if self._is_file and _punch()(self._descriptor, _PUNCH, offset, length) == 0:
            return
        for at in range(0, length, len(_FILL)):
            self.write(offset + at, _FILL[: min(len(_FILL), length - at)])

    def flush(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as err:
            raise unwritable(self.path, err) from err


@cache
def _punch() -> Callable[..., int]:
    call = CDLL(None, use_errno=True).fallocate64
    call.argtypes = (c_int, c_int, c_longlong, c_longlong)
    return call


class NbdTarget:
    """What an NBD server writes to, such as a qcow2 image: a connection for each thread."""

    def __init__(self, connect: Callable[[], NbdClient]) -> None:
        self._connect = connect
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._clients: list[NbdClient] = []
        self.size = self._client().size

    def read(self, offset: int, length: int) -> memoryview:
        return self._client().read(offset, length)

    def write(self, offset: int, content: bytes | bytearray | memoryview) -> None:
        self._client().write(offset, content)

    def write_zeroes(self, offset: int, length: int) -> None:
        self._client().write_zeroes(offset, length)

    def flush(self) -> None:
        # A server need not let one connection speak for the others.
        for client in self._clients:
            client.flush()

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._clients = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _client(self) -> NbdClient:
        found: NbdClient | None = getattr(self._of_thread, "client", None)
        if found is None:
            found = self._of_thread.client = self._connect()
            with self._lock:
                self._clients.append(found)
        return found
