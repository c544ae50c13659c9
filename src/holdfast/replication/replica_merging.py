"""Layers that no point names go into the one above them, one at a time.

QEMU writes the upper layer into the lower one, which then takes the upper one's name. Until that
moment what is read through the upper layer is right: what was written into the lower one so far is
what the upper one has. So it may be begun again after any interruption, and whoever finds it begun
ends it.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from holdfast.disks import images
from holdfast.replication.replica_errors import SiteFull
from holdfast.replication.replica_folder import (
    ReplicaFolder,
    require_room,
    site_errors,
    stamp_of,
)
from holdfast.replication.replica_layers import FORMAT, writable
from holdfast.replication.replica_record import (
    Layer,
    LayerName,
    Merging,
    Record,
    Stamp,
    merged,
    next_merge,
)
from holdfast.storage.durable import sync, sync_folder

OnStep = Callable[[str], None]


def merge_next(
    folder: ReplicaFolder, record: Record, *, in_use: AbstractSet[LayerName], on_step: OnStep
) -> Record | None:
    """The record after one merge; None where there is nothing to merge, or no room for it."""
    missing = {name for name, stamp in folder.stamps(record).items() if stamp is None}
    merging = next_merge(record, in_use | missing)
    if merging is None or not _has_room(folder, record, merging):
        return None
    noted = msgspec.structs.replace(record, merging=merging)
    folder.write(noted)
    on_step("merge noted")
    return end_merge(folder, noted, in_use=in_use, on_step=on_step)


def end_merge(
    folder: ReplicaFolder, record: Record, *, in_use: AbstractSet[LayerName], on_step: OnStep
) -> Record:
    """One that was begun, from the beginning; what it has done already it does again."""
    merging = record.merging
    if merging is None:
        return record
    lower = LayerName(merging.target, merging.lower)
    upper = LayerName(merging.target, merging.upper)
    if {lower, upper} & in_use:
        return record
    layer = record.layer(upper)
    if layer is None or record.layer(lower) is None:
        # Its points were dropped, and the layers with them.
        done = msgspec.structs.replace(record, merging=None)
    else:
        stamp = _merge(folder, record, layer=layer, lower=lower, on_step=on_step)
        done = merged(record, merging, stamp)
    folder.write(done)
    on_step("merge done")
    return done


def _merge(
    folder: ReplicaFolder, record: Record, *, layer: Layer, lower: LayerName, on_step: OnStep
) -> Stamp:
    source, target = folder.layer(layer.name), folder.layer(lower)
    with site_errors(folder.path, about=record.facts.name):
        if target.exists():
            _commit(target, source, layer.size)
            on_step("merged")
            sync(target)
            target.replace(source)
            on_step("renamed")
        sync_folder(folder.layers)
        stamp = stamp_of(source)
    assert stamp is not None
    return stamp


def _commit(lower: Path, upper: Path, size: int) -> None:
    with writable(upper), writable(lower):
        images.commit(upper, keeps_content=True)
        # It was made larger where it had to be, and is never made smaller.
        if images.inspect(lower, format_=FORMAT, looks_below=False).virtual_size != size:
            images.resize(lower, size, format_=FORMAT, may_shrink=True)


def _has_room(folder: ReplicaFolder, record: Record, merging: Merging) -> bool:
    """What is in the upper one may take room twice until it is gone."""
    upper = folder.layer(LayerName(merging.target, merging.upper))
    try:
        needed = upper.stat().st_blocks * 512
        # The reserve is there for this.
        require_room(folder.site, needed, about=record.facts.name, reserve=0)
    except (OSError, SiteFull):
        return False
    return True
