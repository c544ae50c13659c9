"""What a backup that was killed has left is ended and removed before the next one begins."""

import contextlib
from collections.abc import Set as AbstractSet

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.backup_jobs import current_backup, end_backup
from holdfast.hypervisor.checkpoint_xml import is_ours
from holdfast.hypervisor.checkpoints import delete_checkpoint, list_checkpoints
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import NoBackupRunning
from holdfast.hypervisor.states import State
from holdfast.machines.backup_errors import VmForeignBackup
from holdfast.machines.freeze_mark import thaw_left_behind
from holdfast.machines.scratch_place import ScratchPlace, is_our_socket


def tidy_up(
    domain: Domain, place: ScratchPlace, clock: Clock, *, home: str, keep: AbstractSet[str]
) -> None:
    """`keep` are the checkpoints that points name; all others of ours belong to no point."""
    heal_limbo(domain)
    end_our_job(domain, clock)
    if domain.is_active():
        thaw_left_behind(domain, clock, home=home)
    drop_checkpoints(domain, keep=keep)
    place.clear()


def end_our_job(domain: Domain, clock: Clock) -> bool:
    """Whether there was one; somebody else's is an error."""
    running = current_backup(domain)
    if running is None:
        return False
    if not is_our_socket(running.socket):
        raise VmForeignBackup(about=domain.name, socket=running.socket)
    with contextlib.suppress(NoBackupRunning):
        end_backup(domain, clock)
    resume_if_stuck(domain)
    return True


def resume_if_stuck(domain: Domain) -> None:
    """A full scratch file pauses the guest; without the job it goes on as if nothing had been."""
    if domain.standing().is_stuck_on_io:
        domain.resume()


def drop_checkpoints(domain: Domain, *, keep: AbstractSet[str]) -> None:
    """Only of a machine that runs: of one that is off libvirt removes no bitmaps."""
    if not domain.is_active():
        return
    for checkpoint in list_checkpoints(domain):
        if is_ours(checkpoint.name) and checkpoint.name not in keep:
            delete_checkpoint(domain, checkpoint.name)


def heal_limbo(domain: Domain) -> None:
    """Killed in a backup, libvirt 9.0 may keep a machine "in shutdown" that has no QEMU any more.

    A graceful end fails where there is one that still works, and heals where there is none.
    """
    if domain.standing().state is State.SHUTTING_DOWN:
        with contextlib.suppress(HoldfastError):
            domain.destroy(graceful=True)
