"""Scratch files made before a job begins: libvirt would make them while the guest stands still."""

import contextlib
from collections.abc import Mapping

from holdfast.base.errors import HoldfastError
from holdfast.disks import images
from holdfast.hypervisor.backup_xml import BackupPlan
from holdfast.hypervisor.domain_disks import disk_size
from holdfast.hypervisor.domains import Domain
from holdfast.machines.scratch_place import ScratchPlace


def make_scratch(domain: Domain, place: ScratchPlace, plan: BackupPlan) -> Mapping[str, int]:
    """Their sizes by disk. Where one cannot be made none is: then libvirt makes them, or says why."""
    sizes = {}
    try:
        for disk in plan.disks:
            path = place.scratch_file(disk.target)
            sizes[disk.target] = disk_size(domain, disk.target).capacity
            images.create(path, sizes[disk.target])
            path.chmod(0o600)
            place.give_to_qemu(path)
    except (HoldfastError, OSError):
        clear_scratch(place, plan)
        return {}
    return sizes


def still_fits(domain: Domain, sizes: Mapping[str, int]) -> bool:
    """Whether no disk has grown since: with too small a file libvirt 9.0 crashes.

    What it keeps then of the job is in the way of every backup of that machine until its next start.
    """
    return all(disk_size(domain, target).capacity == size for target, size in sizes.items())


def clear_scratch(place: ScratchPlace, plan: BackupPlan) -> None:
    for disk in plan.disks:
        with contextlib.suppress(OSError):
            place.scratch_file(disk.target).unlink()
