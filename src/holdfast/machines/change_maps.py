"""What became of the records of changes since a checkpoint: asked of QEMU, or of the images."""

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.disks.image_facts import Link
from holdfast.disks.images import inspect, links
from holdfast.hypervisor.checkpoints import list_checkpoints, redefine_checkpoint, tracked_disks
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import CheckpointMissing, TrackingLost
from holdfast.hypervisor.machine_spec import DiskSpec
from holdfast.machines.points import DiskFacts
from holdfast.machines.tracking import MapState

CHECKPOINT_FILE = "checkpoint.xml"
_ON_THIS_HOST = ("file", "block")
_KEEPS_RECORDS = "qcow2"


def live_states(domain: Domain, checkpoint: str, stored: str | None) -> dict[str, MapState]:
    """Of the disks a checkpoint of a running machine covers; `stored` is its description.

    A machine that moved to another host, or was defined anew, has the bitmaps and no checkpoint.
    """
    try:
        covered = _covered(domain, checkpoint, stored)
    except HoldfastError:
        return {}
    if covered is None:
        return {}
    try:
        sound = tracked_disks(domain, checkpoint)
    except TrackingLost:
        sound = frozenset()
    except HoldfastError:
        return dict.fromkeys(covered, MapState.UNKNOWN)
    return {
        target: MapState.RECORDING if target in sound else MapState.INCONSISTENT
        for target in covered
    }


def _covered(domain: Domain, checkpoint: str, stored: str | None) -> tuple[str, ...] | None:
    found = _find(domain, checkpoint)
    if found is None and stored is not None:
        with contextlib.suppress(TrackingLost, CheckpointMissing):
            redefine_checkpoint(domain, stored)
            found = _find(domain, checkpoint)
    return found


def _find(domain: Domain, name: str) -> tuple[str, ...] | None:
    return next((each.disks for each in list_checkpoints(domain) if each.name == name), None)


def image_state(disk: DiskSpec, checkpoint: str) -> MapState:
    """Of a machine that is off."""
    assert disk.source is not None
    try:
        image = inspect(Path(disk.source), format_=disk.format)
    except HoldfastError:
        return MapState.UNKNOWN
    for bitmap in image.bitmaps:
        if bitmap.name == checkpoint:
            is_sound = bitmap.is_recording and not bitmap.is_in_use
            return MapState.RECORDING if is_sound else MapState.INCONSISTENT
    return MapState.MISSING


def images_with_record(disk: DiskSpec, checkpoint: str) -> list[Path]:
    """From the top: a snapshot that somebody took goes on recording in an image of its own.

    What was written before it stands in the record of the image below.
    """
    assert disk.source is not None
    chain = links(Path(disk.source), format_=disk.format or "raw")
    found = []
    for number, link in enumerate(chain):
        if link.format != "qcow2":
            continue
        image = inspect(Path(link.path), format_="qcow2", looks_below=False)
        if any(each.name == checkpoint for each in image.bitmaps):
            found.append(Path(link.path))
        elif number == 0:
            return []
    return found


def chain_of(disk: DiskSpec, *, is_live: bool) -> tuple[Link, ...]:
    """Its images, from the top; empty where they cannot be looked at from here."""
    if disk.kind not in _ON_THIS_HOST or disk.source is None:
        return ()
    if is_live and not disk.backing_depth:
        return (Link(path=disk.source, format=disk.format or "raw", size=0, allocated=0),)
    with contextlib.suppress(HoldfastError):
        return links(Path(disk.source), format_=disk.format or "raw", is_live=is_live)
    return ()


def is_merged_away(chain: Sequence[Link], began: Collection[str]) -> bool:
    """Whether a part of a record went with an image that was merged into one that keeps none.

    What is left of it above seems whole, and knows nothing of what was written before. `began` are
    images the disk had when the record began; none: nobody knows.
    """
    paths = {link.path for link in chain}
    is_merged = not began or any(path not in paths for path in began)
    return is_merged and any(link.format != _KEEPS_RECORDS for link in chain)


def has_lost_record(disk: DiskSpec, before: DiskFacts, *, is_live: bool) -> bool:
    """Whether what looks like the record since that point may be only a part of it."""
    began = (before.source,) if before.source else ()
    return is_merged_away(chain_of(disk, is_live=is_live), began)


def can_record(disk: DiskSpec, *, is_live: bool) -> bool:
    """Whether its image can keep bitmaps."""
    if disk.format != _KEEPS_RECORDS:
        return False
    if disk.kind not in _ON_THIS_HOST or disk.source is None:
        return True
    try:
        image = inspect(Path(disk.source), format_=disk.format, is_live=is_live, looks_below=False)
    except HoldfastError:
        # Not to be seen from here; libvirt will say.
        return True
    return image.can_keep_bitmaps
