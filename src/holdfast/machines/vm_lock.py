"""One operation at a time on one virtual machine: who comes second learns who is at work."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta

from holdfast.base.clock import Clock
from holdfast.base.units import format_duration
from holdfast.machines.backup_errors import VmOperationRunning

FOLDER = "vms"


@contextlib.contextmanager
def vm_lock(home: str, uuid: str, clock: Clock, *, name: str, work: str) -> Iterator[None]:
    """Hold it; the kernel frees it however this process ends."""
    folder = os.path.join(home, FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(
        os.path.join(folder, f"{uuid}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(descriptor, clock, name) from None
        said = {"pid": os.getpid(), "work": work, "since": clock.now().isoformat()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(said).encode(), 0)
        yield
    finally:
        # The file stays: whoever removed it could remove another one's lock.
        os.close(descriptor)


def _held(descriptor: int, clock: Clock, name: str) -> VmOperationRunning:
    """What the holder wrote; it may not have written yet."""
    pid, work, age = "?", "?", timedelta(0)
    with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
        said = json.loads(os.pread(descriptor, 4096, 0))
        pid, work = said["pid"], said["work"]
        age = max(age, clock.now() - datetime.fromisoformat(said["since"]))
    return VmOperationRunning(
        about=name, work=work, pid=pid, age=format_duration(age.total_seconds())
    )
