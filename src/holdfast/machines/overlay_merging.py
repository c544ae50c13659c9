"""Overlays of a machine merged into what lies below: those no point needs, or all of them.

While one is merged its content stays valid in its place, so whatever dies in between, the machine
reads what it wrote, and the merge is begun again.
"""

import contextlib
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.disks import images
from holdfast.disks.image_facts import Link
from holdfast.hypervisor.disk_layers import is_merge_ready, merge_all_layers, merge_layers
from holdfast.hypervisor.domain_disks import DiskJobKind, disk_job, end_disk_job
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.hypervisor.errors import VmDiskMissing
from holdfast.machines.layers import Merge, generation_of, merges
from holdfast.machines.overlay_agreement import agree
from holdfast.machines.overlay_errors import (
    VmOverlayMemorySaved,
    VmOverlayShrunk,
    VmOverlayStuck,
)
from holdfast.machines.overlay_note import OverlayNote, remove_overlay_note, write_overlay_note
from holdfast.machines.overlays import (
    LayeredDisk,
    free_beside,
    layered_disk,
    layered_disks,
    place_of,
    remove_layers,
    with_places,
)
from holdfast.machines.pulling import patiently

_POLL_SECONDS = 0.05
_MERGES = (DiskJobKind.COMMIT, DiskJobKind.ACTIVE_COMMIT)


def merge_unneeded(domain: Domain, clock: Clock, *, needed: AbstractSet[str]) -> None:
    """`needed` are those that points name."""
    is_live = domain.is_active()
    if not is_live and domain.has_saved_memory():
        return
    for disk in layered_disks(domain.spec(inactive=not is_live), is_live=is_live):
        _merge(domain, disk, clock, needed=needed, is_live=is_live)


def give_back(domain: Domain, clock: Clock, *, home: str) -> int:
    """All of it: each disk is in its own image again. Returns how many disks had overlays."""
    is_live = domain.is_active()
    disks = layered_disks(domain.spec(inactive=not is_live), is_live=is_live)
    if disks and not is_live and domain.has_saved_memory():
        raise VmOverlayMemorySaved(about=domain.name)
    for disk in disks:
        give = _give_back_live if is_live else _give_back_off
        if generation_of(disk.chain[0].path):
            write_overlay_note(home, domain.uuid, OverlayNote(merged=disk.layers))
            give(domain, disk, clock)
        _merge(domain, _again(domain, disk), clock, needed=frozenset(), is_live=is_live)
        remove_overlay_note(home, domain.uuid)
    return len(disks)


def give_back_if_it_fits(domain: Domain, clock: Clock, *, home: str) -> None:
    """If there is room for all that is in them; where it is, it may take room once more."""
    for disk in layered_disks(domain.spec(), is_live=True):
        held = sum(link.allocated for link in disk.chain if generation_of(link.path))
        if free_beside(disk) < held:
            return
    # What cannot be merged now, the next run will merge.
    with contextlib.suppress(HoldfastError):
        give_back(domain, clock, home=home)


def settle_merges(domain: Domain, clock: Clock) -> None:
    """Those that a backup left which was killed: what ends by itself is awaited."""
    for disk in domain.spec().data_disks:
        if not generation_of(disk.source or ""):
            continue
        job = disk_job(domain, disk.target)
        if job is not None and job.kind is DiskJobKind.ACTIVE_COMMIT:
            end_disk_job(domain, disk.target)
        if job is not None and job.kind in _MERGES:
            _await_end(domain, disk.target, clock)


def _again(domain: Domain, disk: LayeredDisk) -> LayeredDisk:
    is_live = domain.is_active()
    now = domain.spec(inactive=not is_live).disk(disk.target)
    if now is None or now.source is None:
        raise VmDiskMissing(about=domain.name, reason=disk.target)
    return layered_disk(now, is_live=is_live)


def _merge(
    domain: Domain,
    disk: LayeredDisk,
    clock: Clock,
    *,
    needed: AbstractSet[str],
    is_live: bool,
) -> None:
    for merge in merges(disk.chain, needed, can_cut=not is_live):
        if is_live:
            _merge_live(domain, disk, merge, clock)
        else:
            _merge_off(domain, disk, merge)


def _merge_live(domain: Domain, disk: LayeredDisk, merge: Merge, clock: Clock) -> None:
    merge_layers(domain, disk.target, base=merge.base.path, top=merge.top.path)
    _await_end(domain, disk.target, clock)
    left = {link.path for link in _again(domain, disk).chain}
    if merge.top.path in left:
        raise _stuck(domain, merge.base.path)
    remove_layers(domain, merge.files)


def _merge_off(domain: Domain, disk: LayeredDisk, merge: Merge) -> None:
    """One after the other from below, each with nothing of ours between it and the base."""
    paths = [link.path for link in disk.chain]
    base = merge.base
    for path in merge.files:
        place = paths.index(path)
        _commit(disk.chain[place], base)
        above = Path(paths[place - 1])
        images.rebase(above, Path(base.path), backing_format=base.format, is_rename=True)
        remove_layers(domain, (path,))


def _commit(layer: Link, base: Link) -> None:
    """A commit makes the base larger, and never smaller."""
    images.commit(Path(layer.path))
    path = Path(base.path)
    now = images.inspect(path, format_=base.format, looks_below=False)
    if layer.size < now.virtual_size:
        images.resize(path, layer.size, format_=base.format, may_shrink=True)


def _give_back_live(domain: Domain, disk: LayeredDisk, clock: Clock) -> None:
    base = disk.below
    if disk.chain[0].size < base.size:
        raise VmOverlayShrunk(about=domain.name, disk=disk.target)
    merge_all_layers(domain, disk.target, base=base.path)
    try:
        _await(lambda: _is_ready(domain, disk, base.path), clock)
        end_disk_job(domain, disk.target, pivot=True)
        _await_end(domain, disk.target, clock)
    except BaseException:
        with contextlib.suppress(HoldfastError):
            end_disk_job(domain, disk.target)
        raise
    now = domain.spec().disk(disk.target)
    if now is None or now.source != base.path:
        raise _stuck(domain, base.path)
    agree(domain)
    remove_layers(domain, _above(disk, base.path))


def _give_back_off(domain: Domain, disk: LayeredDisk, _clock: Clock) -> None:
    """From below, and last what the machine writes to: then its definition can name the base."""
    for merge in merges(disk.chain, frozenset()):
        if merge.base.path == disk.below.path:
            _merge_off(domain, disk, merge)
    top, base = disk.chain[0], disk.below
    _commit(top, base)
    xml = domain.xml(inactive=True, secure=True)
    define_domain(domain.host, with_places(xml, {disk.target: place_of(base)}))
    remove_layers(domain, (top.path,))


def _above(disk: LayeredDisk, base: str) -> list[str]:
    paths = [link.path for link in disk.chain]
    return paths[: paths.index(base)]


def _is_ready(domain: Domain, disk: LayeredDisk, base: str) -> bool:
    if disk_job(domain, disk.target) is None:
        raise _stuck(domain, base)
    return is_merge_ready(domain, disk.target)


def _stuck(domain: Domain, image: str) -> VmOverlayStuck:
    reason = "QEMU ended the merge before its end"
    return VmOverlayStuck(about=domain.name, image=image, reason=reason)


def _await_end(domain: Domain, target: str, clock: Clock) -> None:
    _await(lambda: disk_job(domain, target) is None, clock)


def _await(is_so: Callable[[], bool], clock: Clock) -> None:
    """For as long as it takes: there may be much to merge."""
    while not patiently(is_so, clock):
        clock.sleep(_POLL_SECONDS)
