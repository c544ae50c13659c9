"""Reads files: all of them once to warm the cache, or at random over a mount."""

import mmap
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

_READS = 400
_SMALLEST, _LARGEST = 12, 20  # powers of two: 4 KiB to 1 MiB
_BIG_ONES = 20
_WINDOW = 1 << 20


def read_all(root: Path) -> int:
    """Read every file below `root`, return the bytes seen."""
    buffer = bytearray(_WINDOW)
    total = 0
    for path, _ in _files(root):
        with open(path, "rb", buffering=0) as file:
            while length := file.readinto(buffer):
                total += length
    return total


def touch_memory(most: int = 3 << 29) -> None:
    """Write to free memory once and give it back.

    A virtual machine's host may take back what its guest does not use; whoever fills the page
    cache first would pay for getting it again, with ten times the cost of the writing itself.
    """
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    size = min(most, free // 2)
    with mmap.mmap(-1, size) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        for at in range(0, size, mmap.PAGESIZE):
            memory[at] = 1


def size_of(root: Path) -> int:
    """Sum up the bytes all files below `root` take, as their lengths say."""
    return sum(size for _, size in _files(root))


def read_at_random(source: Path, mounted: Path, seed: int) -> float:
    """Read 4 KiB to 1 MiB at random places of a mounted point; return the seconds.

    Which places is decided by the source; every tenth read is compared with it.
    """
    places = _places(source, random.Random(seed))
    seen: list[tuple[Path, int, bytes]] = []
    start = time.perf_counter()
    for number, (path, at, length) in enumerate(places):
        content = _read(mounted / path, at, length)
        if number % 10 == 0:
            seen.append((source / path, at, content))
    seconds = time.perf_counter() - start
    for original, at, content in seen:
        if _read(original, at, len(content)) != content or not content:
            raise AssertionError(f"{original} reads differently over the mount")
    return seconds


def _places(source: Path, dice: random.Random) -> list[tuple[str, int, int]]:
    """Half of the reads go to any file, half to the biggest ones."""
    files = sorted((path, size) for path, size in _files(source) if size)
    biggest = sorted(files, key=lambda file: file[1])[-_BIG_ONES:]
    places = []
    for number in range(_READS):
        path, size = dice.choice(files if number % 2 else biggest)
        length = min(size, round(2 ** dice.uniform(_SMALLEST, _LARGEST)))
        places.append((os.path.relpath(path, source), dice.randrange(size - length + 1), length))
    return places


def _read(path: Path, at: int, length: int) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return os.pread(file.fileno(), length, at)


def _files(root: Path) -> Iterator[tuple[str, int]]:
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry.path, entry.stat().st_size
