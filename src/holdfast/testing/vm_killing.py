"""Backups of machines in processes of their own that are killed, many of them a minute.

The processes are forks of one that has everything imported and has not spoken to libvirt yet.
"""

import mmap
import multiprocessing
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain
from holdfast.machines.tracking import Tracking
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.protocol import Content, Storage
from holdfast.testing.killing import DeadlyStorage, kill_this_process
from holdfast.testing.vaults import identity, open_vault
from holdfast.testing.vm_backups import CLOCK, VmBackups
from holdfast.testing.waiting import wait_until

_PATIENCE = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Where it comes: at a step of the backup, or at a call of the storage; whichever is first."""

    step: str = ""
    call: int = 0
    # With the first pack out of the spool, when the job is over.
    in_spool: bool = False

    def on_step(self, now: str) -> None:
        if now == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


class _SlowStorage(ForwardingStorage):
    """Takes packs only when the job is over, and dies with the first that waited in the spool."""

    def __init__(self, inner: Storage, domain: Domain) -> None:
        super().__init__(inner)
        self._domain = domain

    def put(self, name: str, content: Content) -> None:
        if name.startswith("data/"):
            wait_until(lambda: current_backup(self._domain) is None, within=_PATIENCE / 2)
            if isinstance(memoryview(content).obj, mmap.mmap):
                kill_this_process()
        super().put(name, content)


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
        storage = backups.storage
        deadly = (
            _SlowStorage(storage, backups.domain)
            if death.in_spool
            else DeadlyStorage(storage, call=death.call)
        )
        who = replace(identity(), pid=os.getpid())
        vault = open_vault(deadly, clock=CLOCK, who=who)
        backups.back_up(repository=vault, on_step=death.on_step)
