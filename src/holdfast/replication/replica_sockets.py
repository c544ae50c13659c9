"""Where the servers of a replica's images listen: a short path, and found again by who comes next."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from holdfast.replication.replica_folder import ReplicaFolder, site_errors

_PREFIX = "holdfast-site-"


@contextlib.contextmanager
def sockets(folder: ReplicaFolder) -> Iterator[Path]:
    """For who holds the lock of the replica; what one that was killed has left there goes.

    Not in the replica's own folder: its path may be too long, and not every file system has sockets.
    """
    with site_errors(folder.path):
        place = _made(_place(folder))
        # A server of one that was killed may end late, and takes what has its socket's name along.
        own = Path(tempfile.mkdtemp(dir=place, prefix=""))
    try:
        yield own
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _place(folder: ReplicaFolder) -> Path:
    told = sha256(os.fsencode(os.path.realpath(folder.path))).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"{_PREFIX}{told}")


def _made(place: Path) -> Path:
    if _is_ours(place):
        shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        # Somebody else's: everybody may write to such a folder.
        return Path(tempfile.mkdtemp(prefix=_PREFIX))
    return place


def _is_ours(place: Path) -> bool:
    try:
        seen = place.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid()
