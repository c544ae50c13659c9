"""Compare what two files hold, byte for byte and hole for hole."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.testing.survey import open_folder

_WINDOW = 1 << 20


def first_difference(left: bytes, right: bytes, path: bytes) -> int | None:
    """Return where the file `path` below two roots first differs, None where it is equal."""
    with _open_file(left, path) as one, _open_file(right, path) as other:
        at = 0
        while True:
            mine, theirs = os.pread(one, _WINDOW, at), os.pread(other, _WINDOW, at)
            if mine != theirs:
                return at + _common_length(mine, theirs)
            if not mine:
                return None
            at += len(mine)


def data_ranges(root: bytes, path: bytes) -> list[tuple[int, int]]:
    """Return (start, end) of each run of allocated data."""
    with _open_file(root, path) as file:
        found: list[tuple[int, int]] = []
        end = 0
        while True:
            try:
                start = os.lseek(file, end, os.SEEK_DATA)
            except OSError as err:
                if err.errno == errno.ENXIO:  # no data after `end`
                    return found
                raise
            end = os.lseek(file, start, os.SEEK_HOLE)
            found.append((start, end))


@contextmanager
def _open_file(root: bytes, path: bytes) -> Iterator[int]:
    parent, name = os.path.split(path)
    with open_folder(root, parent) as folder:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        yield file
    finally:
        os.close(file)


def _common_length(left: bytes, right: bytes) -> int:
    """Halve the doubtful part until the first differing byte is found."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
