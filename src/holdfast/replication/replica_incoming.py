"""Logs on their way to a replica: taken in piece by piece, and gone on with after a cut.

They need not be durable: they are read and held against their hash before anything is made of them.
"""

import contextlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdfast.replication.replica_errors import ReplicaLogGap
from holdfast.replication.replica_folder import site_errors

# A source that comes back later has merged what it had waiting.
_KEPT = timedelta(days=2)


def present(path: Path, size: int) -> int:
    """How much of it is here; more than there is would be of something else."""
    with site_errors(path):
        try:
            here = path.stat().st_size
        except FileNotFoundError:
            return 0
        if here <= size:
            return here
        path.unlink(missing_ok=True)
        return 0


def take_piece(path: Path, offset: int, content: memoryview) -> None:
    with site_errors(path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
        try:
            here = os.fstat(descriptor).st_size
            if offset > here or offset < 0:
                raise ReplicaLogGap(present=here, log=path.stem, offset=offset)
            view = content.cast("B")
            while view:
                written = os.pwrite(descriptor, view, offset)
                view, offset = view[written:], offset + written
        finally:
            os.close(descriptor)


def remove_old(incoming: Path, now: datetime) -> None:
    """What nobody has gone on with."""
    with contextlib.suppress(OSError):
        for path in incoming.iterdir():
            came = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if now - came > _KEPT:
                path.unlink()
