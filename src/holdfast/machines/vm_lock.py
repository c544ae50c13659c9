"""One operation at a time on one virtual machine: who comes second learns who is at work."""

import contextlib
import os
from collections.abc import Iterator

from holdfast.base.clock import Clock
from holdfast.machines.backup_errors import VmOperationRunning
from holdfast.machines.work_lock import Holder, work_lock

FOLDER = "vms"


@contextlib.contextmanager
def vm_lock(home: str, uuid: str, clock: Clock, *, name: str, work: str) -> Iterator[None]:
    """Hold it; the kernel frees it however this process ends."""
    folder = os.path.join(home, FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)

    def refused(holder: Holder) -> VmOperationRunning:
        return VmOperationRunning(about=name, work=holder.work, pid=holder.pid, age=holder.age)

    with work_lock(os.path.join(folder, f"{uuid}.lock"), clock, work=work, refused=refused):
        yield
