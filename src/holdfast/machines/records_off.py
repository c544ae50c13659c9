"""The records of changes of a machine that is off: libvirt forgets them, and leaves the bitmaps."""

import contextlib
from collections.abc import Set as AbstractSet
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.disks.images import inspect, remove_bitmap
from holdfast.hypervisor.checkpoint_xml import is_ours
from holdfast.hypervisor.checkpoints import forget_checkpoint, list_checkpoints
from holdfast.hypervisor.domains import Domain
from holdfast.machines.vm_disks import chosen_disks

_FORMAT = "qcow2"


def drop_records_off(domain: Domain, *, keep: AbstractSet[str]) -> None:
    """All of ours but these, out of the images as well; a bitmap that stays does little harm."""
    disks, _left_out = chosen_disks(domain.spec(inactive=True))
    for disk in disks:
        if disk.format == _FORMAT and disk.source is not None:
            with contextlib.suppress(HoldfastError):
                _drop_bitmaps(Path(disk.source), keep)
    for checkpoint in list_checkpoints(domain):
        if is_ours(checkpoint.name) and checkpoint.name not in keep:
            forget_checkpoint(domain, checkpoint.name)


def _drop_bitmaps(image: Path, keep: AbstractSet[str]) -> None:
    for bitmap in inspect(image, format_=_FORMAT, looks_below=False).bitmaps:
        if is_ours(bitmap.name) and bitmap.name not in keep:
            remove_bitmap(image, bitmap.name)
