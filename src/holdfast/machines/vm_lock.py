"""One operation at a time on one virtual machine: who comes second learns who is at work."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

from holdfast.base.clock import Clock
from holdfast.machines.backup_errors import VmOperationRunning
from holdfast.machines.work_lock import Holder, work_lock

FOLDER = "vms"
_PAUSE = 0.05
_T = TypeVar("_T")


@contextlib.contextmanager
def vm_lock(home: str, uuid: str, clock: Clock, *, name: str, work: str) -> Iterator[None]:
    """Hold it; the kernel frees it however this process ends."""
    folder = os.path.join(home, FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)

    def refused(holder: Holder) -> VmOperationRunning:
        return VmOperationRunning(about=name, work=holder.work, pid=holder.pid, age=holder.age)

    with work_lock(os.path.join(folder, f"{uuid}.lock"), clock, work=work, refused=refused):
        yield


def once_free(
    take: Callable[[], _T],
    clock: Clock,
    *,
    within: float,
    meanwhile: Callable[[], None] = lambda: None,
) -> _T:
    """What `take` gives as soon as whoever is at work on the machine has ended."""
    deadline = clock.monotonic() + within
    while True:
        try:
            return take()
        except VmOperationRunning:
            if clock.monotonic() > deadline:
                raise
            meanwhile()
            clock.sleep(_PAUSE)
