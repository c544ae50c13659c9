"""Room that is held for the small files of a replication, for when there is none left.

Without it a full file system could not be told of, and a log that is at the site already would
stay there for want of the few bytes that say so. What is written takes the place of what was there,
so that the room is there again at once.
"""

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

from holdfast.base.units import KIB
from holdfast.machines.errors import ImageFull

_NAME = ".room"
# A status with all that ever happened, and its successor; or as much of that as there is.
_SIZES = (128 * KIB, 64 * KIB, 32 * KIB, 16 * KIB)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def written(folder: Path, write: Callable[[], None]) -> None:
    """Call it, and once more with the room that is held in the folder, if that is what it lacks."""
    try:
        write()
    except (OSError, ImageFull) as err:
        if isinstance(err, OSError) and err.errno not in _NO_ROOM:
            raise
        # Where none was held there is nothing to be gained.
        try:
            (folder / _NAME).unlink()
        except OSError:
            raise err from None
        write()
    finally:
        _hold(folder / _NAME)


def _hold(path: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _grow(descriptor)
        finally:
            os.close(descriptor)


def _grow(descriptor: int) -> None:
    """What was written may be longer than what was there: the room shrinks by that, and stays."""
    for size in _SIZES:
        if os.fstat(descriptor).st_size >= size:
            return
        with contextlib.suppress(OSError):
            os.posix_fallocate(descriptor, 0, size)
            return
