"""Layers that no point names go into the one above them, one at a time.

QEMU writes the upper layer into the lower one, which then takes the upper one's name. Until that
moment what is read through the upper layer is right: what was written into the lower one so far is
what the upper one has. So it may be begun again after any interruption, and whoever finds it begun
ends it.
"""

import contextlib
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
    LayerName,
    Merging,
    Record,
    merged,
    next_merge,
)
from holdfast.storage.durable import sync, sync_folder

OnStep = Callable[[str], None]


def begin_merge(
    folder: ReplicaFolder, record: Record, *, in_use: AbstractSet[LayerName], on_step: OnStep
) -> Merging | None:
    """All but its end; None where there is nothing to merge, or no room for it.

    One that was begun before is gone on with: what it has done already is done again.
    """
    merging = record.merging
    if merging is None:
        missing = {name for name, stamp in folder.stamps(record).items() if stamp is None}
        merging = next_merge(record, in_use | missing)
        if merging is None or not _has_room(folder, record, merging):
            return None
        folder.write(msgspec.structs.replace(record, merging=merging))
        on_step("merge noted")
    layer = record.layer(_upper(merging))
    if {_lower(merging), _upper(merging)} & in_use:
        return None
    lower = folder.layer(_lower(merging))
    if layer is not None and lower.exists():
        with site_errors(folder.path, about=record.facts.name):
            _commit(lower, folder.layer(layer.name), layer.size)
        on_step("merged")
    return merging


def make_merge_durable(folder: ReplicaFolder, merging: Merging) -> None:
    """May take long, and is in nobody's way: until the end of it nothing has changed."""
    lower = folder.layer(_lower(merging))
    with site_errors(folder.path), contextlib.suppress(FileNotFoundError):
        sync(lower)


def end_merge(
    folder: ReplicaFolder, record: Record, merging: Merging, *, on_step: OnStep
) -> Record:
    """The lower one takes the place of the upper one, unless somebody else has ended it."""
    if record.merging != merging:
        return record
    lower, upper = _lower(merging), _upper(merging)
    if record.layer(lower) is None or record.layer(upper) is None:
        # Its points were dropped, and the layers with them.
        done = msgspec.structs.replace(record, merging=None)
    else:
        with site_errors(folder.path, about=record.facts.name):
            with contextlib.suppress(FileNotFoundError):
                folder.layer(lower).replace(folder.layer(upper))
            on_step("renamed")
            sync_folder(folder.layers)
        stamp = stamp_of(folder.layer(upper))
        assert stamp is not None
        done = merged(record, merging, stamp)
    folder.write(done)
    on_step("merge done")
    return done


def _lower(merging: Merging) -> LayerName:
    return LayerName(merging.target, merging.lower)


def _upper(merging: Merging) -> LayerName:
    return LayerName(merging.target, merging.upper)


def _commit(lower: Path, upper: Path, size: int) -> None:
    with writable(upper), writable(lower):
        images.commit(upper, keeps_content=True)
        # It was made larger where it had to be, and is never made smaller.
        if images.inspect(lower, format_=FORMAT, looks_below=False).virtual_size != size:
            images.resize(lower, size, format_=FORMAT, may_shrink=True)


def _has_room(folder: ReplicaFolder, record: Record, merging: Merging) -> bool:
    """What is in the upper one may take room twice until it is gone."""
    upper = folder.layer(_upper(merging))
    try:
        needed = upper.stat().st_blocks * 512
        # The reserve is there for this.
        require_room(folder.site, needed, about=record.facts.name, reserve=0)
    except (OSError, SiteFull):
        return False
    return True
