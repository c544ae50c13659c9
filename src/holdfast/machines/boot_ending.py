"""End a machine that was booted from a point, and all that was made for it."""

import contextlib
import os
import signal
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import VmMissing, VmNotRunning
from holdfast.machines.boot_errors import ServerStuck
from holdfast.machines.boot_records import Boot, Boots

_PATIENCE = 30.0
_POLL = 0.05


def remove_machine(host: Host, boot: Boot) -> bool:
    """Pull its plug and forget it; whether it was there. What it wrote is still in its disks."""
    domain = Domain(host, uuid=boot.uuid, name=boot.name)
    try:
        if domain.is_active():
            with contextlib.suppress(VmNotRunning):
                domain.destroy()
        domain.undefine(with_checkpoints=True)
    except VmMissing:
        return False
    return True


def end_server(boots: Boots, boot: Boot, clock: Clock) -> int | None:
    """Have the process that serves its disks end; which it was."""
    pid = boots.server(boot.uuid)
    if pid is None:
        return None
    _send(pid, signal.SIGTERM)
    deadline = clock.monotonic() + _PATIENCE
    # Its lock, not its number, says whether it is still the one.
    while boots.server(boot.uuid) == pid:
        if clock.monotonic() > deadline + _PATIENCE:
            raise ServerStuck(name=boot.name, pid=pid)
        if clock.monotonic() > deadline:
            _send(pid, signal.SIGKILL)
        clock.sleep(_POLL)
    return pid


def remove_files(boot: Boot) -> None:
    """What we made, and the folder if nothing else is in it."""
    for file in boot.files:
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        Path(boot.folder).rmdir()


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
