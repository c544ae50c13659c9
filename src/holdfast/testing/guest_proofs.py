"""What the ordered writer of a guest has left on its disks, and whether it could have been there.

It puts write n on the first disk for good, then on the second, then goes on to n + 1. So at any
instant each disk holds all writes up to one of them, and the first is at most one ahead.
"""

import subprocess  # noqa: TID251  images are read by QEMU's own program
import tempfile
from dataclasses import dataclass
from pathlib import Path

from holdfast.testing.guest_scripts import LOG_BLOCK, LOG_BLOCKS, LOG_LINE, LOG_START


class WritesOutOfOrder(AssertionError):
    """The disks hold what was never there together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """The last write on each of the two disks; 0: none yet."""

    first: int
    second: int


def ordered_writes(first: Path, second: Path) -> Writes:
    """Read two images of one instant, whatever their format; in use is fine if suspended."""
    writes = Writes(first=last_write(_log(first), "vda"), second=last_write(_log(second), "vdb"))
    if writes.first - writes.second not in {0, 1}:
        raise WritesOutOfOrder(str(writes))
    return writes


def last_write(log: bytes, disk: str) -> int:
    """The number of the last write in a disk's log that has all before it."""
    starts = range(0, LOG_BLOCK * LOG_BLOCKS, LOG_BLOCK)
    found = [_number(log[start : start + LOG_BLOCK], disk) for start in starts]
    last = max(found)
    for place, number in enumerate(found):
        # The log goes round: at each place stands the last write that belongs there.
        wanted = last - (last - place) % LOG_BLOCKS
        if number != max(wanted, 0):
            raise WritesOutOfOrder(f"{disk}: {number} where {wanted} belongs, {last} is the last")
    return last


def _number(block: bytes, disk: str) -> int:
    if not any(block):
        return 0
    line = block[:LOG_LINE]
    words = line.decode("ascii", errors="replace").split()
    if block != line * (LOG_BLOCK // LOG_LINE) or words[2:] != ["on", disk]:
        raise WritesOutOfOrder(f"{disk}: a torn or foreign block: {line!r}")
    return int(words[1])


def _log(image: Path) -> bytes:
    with tempfile.NamedTemporaryFile() as copy:
        # The count of `dd` is in blocks, and counts what is skipped.
        count = LOG_START // LOG_BLOCK + LOG_BLOCKS
        words = ["qemu-img", "dd", "-U", "-O", "raw", f"bs={LOG_BLOCK}", f"count={count}"]
        words += [f"skip={LOG_START // LOG_BLOCK}", f"if={image}", f"of={copy.name}"]
        subprocess.run(words, check=True, capture_output=True)  # noqa: S603  our own words
        return copy.read()
