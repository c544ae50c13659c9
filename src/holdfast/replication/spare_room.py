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
# A status with all that ever happened, and its successor.
_SIZE = 128 * KIB
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
            if os.fstat(descriptor).st_size < _SIZE:
                os.posix_fallocate(descriptor, 0, _SIZE)
        finally:
            os.close(descriptor)
