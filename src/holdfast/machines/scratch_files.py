"""Scratch files made before a job begins: libvirt would make them while the guest stands still."""

import contextlib

from holdfast.base.errors import HoldfastError
from holdfast.disks import images
from holdfast.hypervisor.backup_xml import BackupPlan
from holdfast.hypervisor.domain_disks import disk_size
from holdfast.hypervisor.domains import Domain
from holdfast.machines.scratch_place import ScratchPlace


def make_scratch(domain: Domain, place: ScratchPlace, plan: BackupPlan) -> bool:
    """Whether all are there. If not, none is: then libvirt makes them, or says why it cannot."""
    try:
        for disk in plan.disks:
            path = place.scratch_file(disk.target)
            images.create(path, disk_size(domain, disk.target).capacity)
            path.chmod(0o600)
            place.give_to_qemu(path)
    except (HoldfastError, OSError):
        clear_scratch(place, plan)
        return False
    return True


def clear_scratch(place: ScratchPlace, plan: BackupPlan) -> None:
    for disk in plan.disks:
        with contextlib.suppress(OSError):
            place.scratch_file(disk.target).unlink()
