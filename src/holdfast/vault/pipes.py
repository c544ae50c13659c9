"""A pipe between two of our processes that keeps messages apart.

The standard library has one, in a package that takes longer to import than a small backup works.
"""

import contextlib
import os
import struct
from typing import Any

# A message begins with its length.
_LENGTH = struct.Struct("<Q")
# Up to here a copy costs less than another system call.
_SMALL = 16 << 10
_MOST_AT_ONCE = 1 << 30


class Connection:
    """One end of a pipe; messages arrive whole and in order."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        if self._descriptor < 0:
            raise OSError("this end of the pipe is closed")
        return self._descriptor

    def send_bytes(self, content: bytes) -> None:
        """Write a message; BrokenPipeError when nobody reads any more."""
        head = _LENGTH.pack(len(content))
        if len(content) <= _SMALL:
            self._write(head + content)
        else:
            self._write(head)
            self._write(content)

    def recv_bytes(self) -> bytes:
        """Wait for a message; EOFError when all who could write are gone."""
        return self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0])

    def send(self, value: object) -> None:
        import pickle

        self.send_bytes(pickle.dumps(value))

    def recv(self) -> Any:
        import pickle

        # Written by a fork of this process, with all its rights anyway.
        return pickle.loads(self.recv_bytes())  # noqa: S301  see above

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def __del__(self) -> None:
        # At the interpreter's end `os` may be gone.
        with contextlib.suppress(Exception):
            self.close()

    def _write(self, content: bytes) -> None:
        descriptor = self.fileno()
        written = os.write(descriptor, content)
        if written < len(content):
            rest = memoryview(content)[written:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    def _read(self, wanted: int) -> bytes:
        descriptor = self.fileno()
        content = os.read(descriptor, min(wanted, _MOST_AT_ONCE)) if wanted else b""
        if len(content) == wanted:
            return content
        whole = bytearray(content)
        while content and len(whole) < wanted:
            content = os.read(descriptor, min(wanted - len(whole), _MOST_AT_ONCE))
            whole += content
        if len(whole) < wanted:
            raise EOFError
        return bytes(whole)


def open_pipe() -> tuple[Connection, Connection]:
    """The end to read from and the end to write to."""
    source, target = os.pipe()
    return Connection(source), Connection(target)
