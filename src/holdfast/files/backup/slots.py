"""The buffers in which workers fill packs and from which the parent stores them.

A worker owns a few. It hands a full one over with a message, and gets it back as one byte in a
pipe: nothing is copied, nobody takes a lock, and a worker that is ahead of the storage waits.
"""

import contextlib
import mmap
import os

from holdfast.base.units import MIB
from holdfast.vault.pack_builder import PACK_TARGET

# A pack may end with the largest chunk, and a header for as many tiny blobs as were before it.
# What no pack needs is never touched, and costs nothing.
SLOT_BYTES = PACK_TARGET + 32 * MIB


class Slot:
    """Shared memory for one pack; has the shape of vault.pack_builder.PackBuffer."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, SLOT_BYTES)
        self.view = memoryview(self.memory)

    def reserve(self, size: int, keep: int) -> None:
        # The chunker's largest piece and the header's largest size are known: this cannot grow.
        assert size <= SLOT_BYTES, (size, keep)


class Slots:
    """One worker's buffers, made before the fork and seen from both sides."""

    def __init__(self, count: int) -> None:
        self.slots = [Slot() for _ in range(count)]
        self._free_out, self._free_in = os.pipe()
        os.write(self._free_in, bytes(range(count)))

    def acquire(self) -> int:
        """The number of a free slot; waits for one. Called by the worker."""
        token = os.read(self._free_out, 1)
        if not token:
            raise EOFError("the parent is gone")
        return token[0]

    def release(self, number: int) -> None:
        """Give a stored slot back. Called by the parent, from any thread."""
        with contextlib.suppress(BrokenPipeError):  # its worker is done, and wants no more
            os.write(self._free_in, bytes([number]))

    def stay_in_worker(self) -> None:
        """Let a wait end when the parent dies: only its end of the pipe may stay open."""
        os.close(self._free_in)

    def stay_in_parent(self) -> None:
        """The worker's end is closed here; the memory and our end stay."""
        os.close(self._free_out)

    def close(self) -> None:
        os.close(self._free_in)
