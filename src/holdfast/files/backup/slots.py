"""The buffers in which workers fill packs and from which the parent stores them.

All workers draw from the same few. A full one is handed over with a message, and comes back as a
number in a pipe: nothing is copied, nobody takes a lock, and who is ahead of the storage waits.
There must be more of them than workers, for each may sit on one that is not full.
"""

import contextlib
import mmap
import os
import struct

from holdfast.base.units import MIB
from holdfast.vault.pack_builder import PACK_TARGET

# A pack may end with the largest chunk, and a header for as many tiny blobs as were before it.
# What no pack needs is never touched, and costs nothing.
SLOT_BYTES = PACK_TARGET + 32 * MIB
_TOKEN = struct.Struct("<H")


class Slot:
    """Shared memory for one pack; has the shape of vault.pack_builder.PackBuffer."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, SLOT_BYTES)
        self.view = memoryview(self.memory)

    def reserve(self, size: int, keep: int) -> None:
        # The chunker's largest piece and the header's largest size are known: this cannot grow.
        assert size <= SLOT_BYTES, (size, keep)


class Slots:
    """The buffers, made before the fork and seen from all sides."""

    def __init__(self, count: int) -> None:
        self.slots = [Slot() for _ in range(count)]
        self._free_out, self._free_in = os.pipe()
        for number in range(count):
            os.write(self._free_in, _TOKEN.pack(number))

    def acquire(self) -> int:
        """The number of a free slot; waits for one. Called by the worker."""
        # The kernel never cuts a token: all who write and read here do so in whole ones.
        token = os.read(self._free_out, _TOKEN.size)
        if not token:
            raise EOFError("the parent is gone")
        return int(_TOKEN.unpack(token)[0])

    def release(self, number: int) -> None:
        """Give a stored slot back. Called by the parent, from any thread."""
        with contextlib.suppress(BrokenPipeError):  # its worker is done, and wants no more
            os.write(self._free_in, _TOKEN.pack(number))

    def stay_in_worker(self) -> None:
        """Let a wait end when the parent dies: only its end of the pipe may stay open."""
        os.close(self._free_in)

    def stay_in_parent(self) -> None:
        """After the last fork the workers' end is closed here; the memory and our end stay."""
        os.close(self._free_out)

    def close(self) -> None:
        os.close(self._free_in)
