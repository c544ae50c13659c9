"""Take a machine off the vault while it runs: what its disks do not hold yet is fetched into them."""

from collections.abc import Callable

from holdfast.base.clock import Clock
from holdfast.disks.images import rebase
from holdfast.hypervisor.domain_disks import DiskJobKind, disk_job, pull_disk
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.machines.boot_errors import MoveOffUnfinished
from holdfast.machines.boot_plan import without_backing
from holdfast.machines.boot_records import Boot

_POLL = 0.1
_LOOKS = 10
_TRIES = 4
# A disk, the bytes looked at so far, and how many there are.
OnMoved = Callable[[str, int, int], None]


def move_off(domain: Domain, boot: Boot, clock: Clock, *, on_moved: OnMoved) -> None:
    """Begun again after whatever stopped it, it goes on where it was."""
    is_active = domain.is_active()
    for target in boot.targets:
        if is_active:
            _pull(domain, target, clock, on_moved=on_moved)
        else:
            # Nobody has it open: qemu-img reads the vault and writes the disk.
            rebase(boot.disk(target), None)
    if is_active:
        settle(domain, clock)
    define_domain(domain.host, without_backing(domain.xml(inactive=True, secure=True), boot))


def is_backed(domain: Domain, target: str) -> bool:
    disk = domain.spec().disk(target)
    return disk is not None and disk.backing_depth > 0


def settle(domain: Domain, clock: Clock) -> None:
    """Resume it if a lost vault paused it: it needs the vault no more, and nobody else looks.

    The word of a pause may come a moment after its cause.
    """
    for _look in range(_LOOKS):
        if domain.standing().is_stuck_on_io:
            domain.resume()
        clock.sleep(_POLL)


def _pull(domain: Domain, target: str, clock: Clock, *, on_moved: OnMoved) -> None:
    # A connection to a server of before is found dead by the first read, which ends the job.
    for _try in range(_TRIES):
        if not is_backed(domain, target):
            return
        _pull_once(domain, target, clock, on_moved=on_moved)
    if is_backed(domain, target):
        raise MoveOffUnfinished(name=domain.name, disk=target)


def _pull_once(domain: Domain, target: str, clock: Clock, *, on_moved: OnMoved) -> None:
    job = disk_job(domain, target)
    if job is None or job.kind is not DiskJobKind.PULL:
        pull_disk(domain, target)
    while (job := disk_job(domain, target)) is not None:
        on_moved(target, job.done, job.total)
        clock.sleep(_POLL)
