"""Restores in place in processes of their own that are killed at a step."""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.ids import FileId, SnapshotId
from holdfast.hypervisor.connection import Host
from holdfast.machines.point_reader import PointReader
from holdfast.machines.replacing import ReplaceWish, replace_in_place
from holdfast.machines.restoring import Restored
from holdfast.machines.vm_lock import vm_lock
from holdfast.testing.vm_backups import CLOCK, VmBackups

_PATIENCE = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDeath:
    """At a step of the restore; where it is said for the `count`-th time."""

    step: str
    count: int = 1


# No step is called so.
NEVER = RestoreDeath(step="")


def restore_in_place(
    backups: VmBackups, point: SnapshotId, *, death: RestoreDeath = NEVER
) -> Restored:
    """What the command does, under the lock of the machine."""
    repository, domain, home = backups.vault(), backups.domain, str(backups.root)
    reader = PointReader(repository, repository.load_snapshot(point))
    wish = ReplaceWish(clock=CLOCK, home=home, on_step=_Killer(death))
    with vm_lock(home, domain.uuid, CLOCK, name=domain.name, work="restore"):
        return replace_in_place(reader, domain, wish)


def was_killed_restoring(backups: VmBackups, point: SnapshotId, death: RestoreDeath) -> bool:
    """False where it came to its end before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    told = (backups.host.uri, backups.uuid, backups.root, backups.scratch, str(point), death)
    process = context.Process(target=_restore, args=told, daemon=True)
    process.start()
    process.join(_PATIENCE)
    status = process.exitcode
    assert status in (0, -signal.SIGKILL), f"the restore ended with {status}"
    process.close()
    return status != 0


def _restore(
    uri: str, uuid: str, root: Path, scratch: Path, point: str, death: RestoreDeath
) -> None:
    with Host.open(uri) as host:
        backups = VmBackups(host, uuid, root, scratch)
        restore_in_place(backups, SnapshotId(FileId(point)), death=death)


class _Killer:
    def __init__(self, death: RestoreDeath) -> None:
        self._death = death
        self._left = death.count

    def __call__(self, step: str) -> None:
        if step != self._death.step:
            return
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
