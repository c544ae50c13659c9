"""Have the C library keep what is given back, for work that takes and returns megabytes."""

import contextlib
import ctypes

from holdfast.base.units import MIB

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def keep_freed_memory() -> None:
    """Large pieces come from one heap and go back to it, not to the kernel.

    The kernel would clear each page again before it hands it out; that takes longer than to
    decrypt into it. One heap for all threads, so that what one gives back the other takes.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such call
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, 64 * MIB)
        library.mallopt(_M_TRIM_THRESHOLD, 128 * MIB)
        library.mallopt(_M_ARENA_MAX, 1)
