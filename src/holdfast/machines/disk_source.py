"""Where a disk's content comes from, and the plain image file as one such place."""

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Protocol

from holdfast.disks.spans import Span
from holdfast.machines.blocks import Spans
from holdfast.machines.errors import ImageShort, ImageUnreadable
from holdfast.machines.open_file import OpenFile


class DiskSource(Protocol):
    """A disk that stands still for as long as it is read."""

    @property
    def size(self) -> int: ...

    @property
    def changed(self) -> Spans | None:
        """What may differ from the parent it was asked about; None where nobody can say."""

    def spans_with_data(self) -> Spans:
        """What may hold anything but zeros."""

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill the whole target."""

    def another(self) -> "DiskSource":
        """The same disk for another thread, which closes it."""

    def close(self) -> None: ...


class FileSource(OpenFile):
    """A raw image or a block device; may be read by several threads."""

    def __init__(self, path: str, *, changed: Spans | None = None) -> None:
        self.changed = changed
        try:
            super().__init__(path, os.O_RDONLY)
        except OSError as err:
            raise ImageUnreadable(path=path, reason=err.strerror) from err

    def spans_with_data(self) -> list[Span]:
        return list(data_spans(self._descriptor, self.size))

    def read_into(self, offset: int, target: memoryview) -> None:
        done = 0
        while done < len(target):
            try:
                got = os.preadv(self._descriptor, (target[done:],), offset + done)
            except OSError as err:
                raise ImageUnreadable(path=self.path, reason=err.strerror) from err
            if not got:
                wanted = offset + len(target)
                raise ImageShort(path=self.path, end=offset + done, wanted=wanted)
            done += got

    def another(self) -> "FileSource":
        return FileSource(self.path, changed=self.changed)


def data_spans(descriptor: int, size: int) -> Iterator[Span]:
    """What is no hole, as the file system tells it; everything, where it does not know holes."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError as err:
            if err.errno != errno.ENXIO:
                yield Span(at, size)
            return
        end = size
        with contextlib.suppress(OSError):
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield Span(start, min(end, size))
        at = end
