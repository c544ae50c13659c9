"""Where full packs wait for a vault that is slower than the disks they were read from.

As long as a machine that runs is read, each first write of its guest costs two. What the vault
cannot take at once must not make that longer: it lies in one file without a name, of which
nothing is left whoever dies.
"""

import contextlib
import mmap
import os
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from typing import IO, NamedTuple

from holdfast.base.units import GIB, MIB
from holdfast.vault.pack_builder import PACK_TARGET

# A pack ends with the block that fills it, and its header.
_SLOT = PACK_TARGET + 4 * MIB
_MOST = 16 * GIB


class Kept(NamedTuple):
    """A pack in the file; `release` gives its place back, from any thread."""

    content: memoryview
    release: Callable[[], None]


class Spool:
    """`room` says how many bytes may still be taken from the file system of the folder.

    Where there is no room, nothing is kept: then who reads waits for the vault, as without this.
    """

    def __init__(self, folder: str, room: Callable[[], int], *, most: int = _MOST) -> None:
        self._folder = folder
        self._room = room
        self._lock = threading.Lock()
        self._free = list(reversed(range(most // _SLOT)))
        self._size = _SLOT * len(self._free)
        self._used = 0
        self._file: IO[bytes] | None = None
        self._memory: mmap.mmap | None = None

    def keep(self, content: memoryview) -> Kept | None:
        """Copy a pack; called by one thread."""
        number = self._taken(len(content))
        if number is None:
            return None
        release = partial(self._release, number, len(content))
        try:
            memory = self._written(number * _SLOT, content)
        except (OSError, ValueError):
            # As when the file system is full: no reason to fail, since there is another way.
            release()
            return None
        return Kept(memory, release)

    def close(self) -> None:
        """What is kept is gone, but for what is being read."""
        if self._file is not None:
            self._file.close()
        self._file = self._memory = None

    def _taken(self, length: int) -> int | None:
        with self._lock:
            # As much again stays for others, such as QEMU's own files.
            if not self._free or length > _SLOT or self._room() < self._used + length:
                return None
            self._used += length
            return self._free.pop()

    def _written(self, at: int, content: memoryview) -> memoryview:
        if self._file is None or self._memory is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  `close` does
            self._file.truncate(self._size)
            self._memory = mmap.mmap(self._file.fileno(), self._size)
        done = 0
        # Not through the memory: there a full file system would be a signal.
        while done < len(content):
            done += os.pwrite(self._file.fileno(), content[done:], at + done)
        return memoryview(self._memory)[at : at + len(content)].toreadonly()

    def _release(self, number: int, length: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._forget(number * _SLOT)
        with self._lock:
            self._used -= length
            self._free.append(number)

    def _forget(self, at: int) -> None:
        """Give the blocks of the file back; where that cannot be done, they are used again."""
        memory = self._memory
        if memory is not None:
            memory.madvise(mmap.MADV_REMOVE, at, _SLOT)
