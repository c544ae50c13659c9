"""Where everything lies in a change log: all of it proven once, then read in any order."""

import os
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from holdfast.replication.log_frames import FRAME_BYTES, Frame, FrameKind, parse_file, parse_frame
from holdfast.replication.log_reader import OpenLog, opened


class Entry(NamedTuple):
    """A frame of a disk; `at` is where it begins in the file, 0 for zeroes."""

    start: int
    end: int
    at: int


class IndexedLog:
    """24 bytes of memory for a frame: a hundred gigabytes of changes take some ten mebibytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = ExitStack()
        self._file = -1

    def __enter__(self) -> Self:
        with opened(self._path) as log:
            self.head = log.head
            self._entries = {disk.target: array("Q") for disk in log.head.disks}
            self.files = dict(self._read(log))
            # While it is open nobody can put another in its place.
            self._file = os.dup(log.fileno())
        self._stack.callback(os.close, self._file)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def entries(self, target: str) -> Iterator[Entry]:
        """Of a disk, in the order of their offsets; none of one that is not in the log."""
        found = iter(self._entries.get(target, ()))
        return (Entry(start, next(found), next(found)) for start in found)

    def frame(self, entry: Entry) -> tuple[Frame, bytes]:
        """As it is stored."""
        frame = parse_frame(os.pread(self._file, FRAME_BYTES, entry.at), self.head)
        return frame, os.pread(self._file, frame.stored, entry.at + FRAME_BYTES)

    def _read(self, log: OpenLog) -> Iterator[tuple[str, bytes]]:
        targets = [disk.target for disk in self.head.disks]
        for frame, plain in log.whole():
            if frame.kind is FrameKind.FILE:
                yield parse_file(plain or b"")
                continue
            at = log.size - frame.stored - FRAME_BYTES if frame.kind is FrameKind.DATA else 0
            self._entries[targets[frame.disk]].extend((frame.offset, frame.end, at))
