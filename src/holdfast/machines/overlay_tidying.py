"""Overlays as they have to be before the next point: as few as points need, or none."""

from collections.abc import Set as AbstractSet

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.domains import Domain
from holdfast.machines.overlay_merging import give_back, merge_unneeded, settle_merges
from holdfast.machines.overlay_putting import remove_orphans, settle_layers
from holdfast.machines.overlays import layered_disks
from holdfast.machines.tracking import Tracking
from holdfast.machines.vm_job import VmJob


def tidy_overlays(job: VmJob, keep: AbstractSet[str]) -> tuple[str, ...]:
    """`keep` are those that points name. Returns what could not be done, and does no harm yet."""
    domain = job.domain
    _settle(domain, job.clock, home=job.home)
    try:
        if job.tracking is Tracking.OVERLAY:
            merge_unneeded(domain, job.clock, needed=keep)
        else:
            give_back(domain, job.clock, home=job.home)
    except HoldfastError as err:
        return (str(err),)
    return ()


def without_overlays(domain: Domain, clock: Clock, *, home: str) -> int:
    """Returns how many disks had one."""
    _settle(domain, clock, home=home)
    return give_back(domain, clock, home=home)


def _settle(domain: Domain, clock: Clock, *, home: str) -> None:
    """What those have left who were killed."""
    is_live = domain.is_active()
    if is_live:
        settle_merges(domain, clock)
    settle_layers(domain, clock, home=home)
    remove_orphans(domain, layered_disks(domain.spec(inactive=not is_live), is_live=is_live))
