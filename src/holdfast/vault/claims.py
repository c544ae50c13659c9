"""Who stores a new blob: an open-addressing table of ids in memory that all workers share.

There is no lock. Two workers that claim the same id in the same instant may both store the blob,
which costs some space until the next prune and harms nothing.
"""

import mmap
from collections.abc import Iterator

from holdfast.base.ids import ID_BYTES

_FREE = bytes(ID_BYTES)
# Each level is four times the one before; the last has room for 200 million blobs. Memory that
# was never touched costs nothing.
_FIRST_BITS = 18
_LEVELS = 6
# Not in Python's mmap before 3.13; without it the kernel may want 8 GiB promised up front.
_MAP_NORESERVE = 0x4000
# Above this share probing gets slow.
_FULL = 0.6


class _Level:
    def __init__(self, bits: int) -> None:
        self.mask = (1 << bits) - 1
        self.last = (ID_BYTES << bits) - 1
        self.room = int(_FULL * (1 << bits))
        flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        self.memory = mmap.mmap(-1, ID_BYTES << bits, flags=flags)

    def slot(self, blob: bytes) -> int:
        """Where this id has its free place, or -1 when it stands there already."""
        memory = self.memory
        at = ID_BYTES * (int.from_bytes(blob[:8], "little") & self.mask)
        while (seen := memory[at : at + ID_BYTES]) != _FREE:
            if seen == blob:
                return -1
            at = (at + ID_BYTES) & self.last
        return at


def _levels() -> Iterator[_Level]:
    for level in range(_LEVELS):
        try:
            yield _Level(_FIRST_BITS + 2 * level)
        except OSError:
            # Under vm.overcommit_memory=2 or a limit even what is never touched is counted.
            if level == 0:
                raise
            return


class Claims:
    """Grows by levels that are laid out before the fork, since a map made later is not shared."""

    def __init__(self) -> None:
        self._levels = list(_levels())
        # How many ids each level holds, for all to see; lost updates only make it a bit fuller.
        self._counts = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")

    def take(self, blob: bytes) -> bool:
        """True for the first who asks for this id, False for all later ones."""
        for current, level in enumerate(self._levels):
            at = level.slot(blob)
            if at < 0:
                return False
            if self._counts[current] < level.room:
                level.memory[at : at + ID_BYTES] = blob
                self._counts[current] += 1
                return True
        # More new blobs than anybody has: store this one, at worst twice.
        return True
