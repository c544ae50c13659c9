"""Backups of machines in processes of their own that are killed, many of them a minute.

The processes are forks of one that has everything imported and has not spoken to libvirt yet.
"""

import multiprocessing
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.hypervisor.connection import Host
from holdfast.machines.tracking import Tracking
from holdfast.testing.killing import DeadlyStorage
from holdfast.testing.vaults import identity, open_vault
from holdfast.testing.vm_backups import CLOCK, VmBackups

_PATIENCE = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Where it comes: at a step of the backup, or at a call of the storage; whichever is first."""

    step: str = ""
    call: int = 0

    def on_step(self, now: str) -> None:
        if now == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def was_killed(backups: VmBackups, death: Death) -> bool:
    """Make a backup that dies so; False where it came to its end before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    places = (backups.root, backups.scratch, backups.home)
    told = (backups.host.uri, backups.uuid, places, backups.tracking, death)
    process = context.Process(target=_back_up, args=told, daemon=True)
    process.start()
    process.join(_PATIENCE)
    status = process.exitcode
    assert status in (0, -signal.SIGKILL), f"the backup ended with {status}"
    process.close()
    return status != 0


def _back_up(
    uri: str,
    uuid: str,
    places: tuple[Path, Path, Path | None],
    tracking: Tracking,
    death: Death,
) -> None:
    with Host.open(uri) as host:
        backups = VmBackups(host, uuid, *places, tracking=tracking)
        deadly = DeadlyStorage(backups.storage, call=death.call)
        who = replace(identity(), pid=os.getpid())
        vault = open_vault(deadly, clock=CLOCK, who=who)
        backups.back_up(repository=vault, on_step=death.on_step)
