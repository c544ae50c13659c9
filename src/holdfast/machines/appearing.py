"""A folder that appears with all that is in it, or not at all."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from holdfast.machines.errors import ImageExists, unwritable
from holdfast.machines.restore_errors import RestoreRunning
from holdfast.storage.durable import sync_folder

_PARTIAL = ".holdfast-partial"


@contextlib.contextmanager
def appearing_folder(folder: Path) -> Iterator[Path]:
    """Another folder to fill, which gets its name in the end; nothing is left after an error.

    What a restore that was killed has left there is removed by the next one.
    """
    if os.path.lexists(folder):
        raise ImageExists(path=str(folder))
    partial = folder.with_name(f".{folder.name}{_PARTIAL}")
    with _alone_in(partial, folder):
        try:
            yield partial
            _rename(partial, folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


@contextlib.contextmanager
def _alone_in(partial: Path, folder: Path) -> Iterator[None]:
    try:
        partial.mkdir(parents=True, exist_ok=True)
        # QEMU's user must pass; its images are for itself.
        partial.chmod(0o711)
        descriptor = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as err:
        raise unwritable(str(folder), err) from err
    try:
        _lock(descriptor, partial, folder)
        _clear(partial)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, partial: Path, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another one may just have given it its name.
        is_ours = partial.exists() and os.path.samestat(os.fstat(descriptor), partial.stat())
    except BlockingIOError:
        is_ours = False
    if not is_ours:
        raise RestoreRunning(folder=folder)


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _rename(partial: Path, folder: Path) -> None:
    """Durable: the names in it, and its own."""
    try:
        sync_folder(partial)
        os.rename(partial, folder)
        sync_folder(folder.parent)
    except OSError as err:
        raise unwritable(str(folder), err) from err
