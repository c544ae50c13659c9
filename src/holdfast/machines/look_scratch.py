"""The folder of one look into a volume; what a look that was killed has left goes with the next."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "holdfast-look-"
# Made when the folder is held: one without it may just have been begun.
ABOVE = "above"


@contextlib.contextmanager
def look_scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, _held(Path(name)):
        _sweep(Path(name))
        yield Path(name)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The kernel lets go of it when this process is gone, however it ends."""
    with _opened(folder) as place:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield


def _sweep(own: Path) -> None:
    for folder in own.parent.glob(_PREFIX + "*"):
        # Others come and go meanwhile, and some are not ours.
        with contextlib.suppress(OSError):
            if folder != own:
                _remove_left(folder)


def _remove_left(folder: Path) -> None:
    with _opened(folder) as place:
        if os.fstat(place).st_uid != os.geteuid():
            return
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (folder / ABOVE).exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield place
    finally:
        os.close(place)
