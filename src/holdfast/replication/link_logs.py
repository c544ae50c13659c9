"""A sealed log as the link reads it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from holdfast.replication.link_line import Fill
from holdfast.replication.log_errors import LogTorn, LogUnreadable


class Sealed(Protocol):
    """A log_writer.SealedLog, or any file whose SHA-256 is known."""

    @property
    def path(self) -> Path: ...

    @property
    def size(self) -> int: ...

    @property
    def hash(self) -> str: ...


@contextlib.contextmanager
def reading(log: Sealed) -> Iterator[Fill]:
    try:
        descriptor = os.open(log.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as err:
        raise LogUnreadable(path=log.path, reason=err.strerror) from err

    def fill(offset: int, view: memoryview) -> None:
        filled = 0
        try:
            while filled < len(view):
                taken = os.preadv(descriptor, [view[filled:]], offset + filled)
                if not taken:
                    raise LogTorn(path=log.path, end=offset + filled, part="what was sealed")
                filled += taken
        except OSError as err:
            raise LogUnreadable(path=log.path, reason=err.strerror) from err

    try:
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        yield fill
    finally:
        os.close(descriptor)
