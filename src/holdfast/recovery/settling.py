"""A machine that came home: what lies above its original images is folded into them.

It runs on meanwhile, or is off. Afterwards each disk is its original image again, at its path, and
nothing of the replica is needed any more. Whatever is killed, the machine reads what it wrote: all
that lies above an image stays as it is until the image has all of it. The same call goes on, for
what is done is seen in the world: a disk that is its original, a job that QEMU has under way.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.disks import images
from holdfast.disks.image_facts import Link
from holdfast.hypervisor.checkpoints import list_checkpoints, tracked_disks
from holdfast.hypervisor.disk_layers import is_merge_ready, merge_all_layers
from holdfast.hypervisor.domain_disks import DiskJobKind, disk_job, end_disk_job
from holdfast.hypervisor.domain_identity import DiskPlace, Identity, with_identity
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.machines.pulling import patiently
from holdfast.recovery.promoting import Place, domain_of, end
from holdfast.recovery.promotion_errors import (
    SettlingNotBelow,
    SettlingStuck,
    SettlingWithoutOriginal,
    SettlingWithoutRoom,
)
from holdfast.recovery.record import Promoted
from holdfast.replication.pins import pins
from holdfast.replication.replica_errors import ReplicaInUse, ReplicaMissing
from holdfast.replication.replica_folder import open_folder

_POLL_SECONDS = 0.1
_FORMAT = "qcow2"


def _nobody_listens(_step: str) -> None:
    """Steps are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`disks` by target: the images they are now, and `tracked` those whose changes are recorded.

    A raw image can keep no record, so of such a disk it ends here. Of one that is off nobody can
    say what libvirt would: there the records are those that were found.
    """

    disks: Mapping[str, str]
    tracked: frozenset[str]
    folded_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """The images of a disk from the top, down to its original one."""

    target: str
    links: tuple[Link, ...]

    @property
    def original(self) -> Link:
        return self.links[-1]

    @property
    def above(self) -> tuple[Link, ...]:
        return self.links[:-1]

    @property
    def folded_bytes(self) -> int:
        return sum(link.allocated for link in self.above)


def settle(
    domain: Domain,
    clock: Clock,
    *,
    originals: Mapping[str, str],
    checkpoint: str = "",
    on_step: Callable[[str], None] = _nobody_listens,
) -> Settled:
    """`originals` are the paths of the images at the bottom, by disk; the machine is on or off.

    Nothing else may stand upon those: the points of the replica are no points any more.
    """
    folded = 0
    for target, original in originals.items():
        chain = _chain(domain, target, original)
        if chain is None:
            continue
        _require_room(domain, chain)
        if domain.is_active():
            _fold_live(domain, chain, clock, on_step)
        else:
            _fold_off(domain, chain, checkpoint, on_step)
        folded += chain.folded_bytes
        on_step("folded")
    return Settled(
        disks=dict(originals),
        tracked=_tracked(domain, checkpoint, originals),
        folded_bytes=folded,
    )


def settle_home(
    place: Place,
    vm: str,
    promoted: Promoted,
    *,
    originals: Mapping[str, str],
) -> Settled:
    """The same for what was promoted at its home; then its replica here goes, points and all.

    From the first write on no point of it can be started: the site sees that for itself.
    """
    domain = domain_of(place, promoted) or Domain(
        place.host, uuid=promoted.uuid, name=promoted.name
    )
    _require_alone(place, vm, promoted)
    _require_originals(domain, promoted, originals)
    if not is_settled(domain, originals):
        _spoil(place, vm)
        place.on_step("spoiled")
    settled = settle(
        domain,
        place.clock,
        originals=originals,
        checkpoint=promoted.checkpoint,
        on_step=place.on_step,
    )
    # It lies in that folder no more, so nothing of it is stopped or undefined.
    end(place, vm, promoted)
    _remove_replica(place, vm)
    place.on_step("replica removed")
    return settled


def is_settled(domain: Domain, originals: Mapping[str, str]) -> bool:
    """Whether each disk is its original image, now and after the next start."""
    ways = [True, False] if domain.is_active() else [True]
    return all(
        _source(domain, target, inactive=inactive) == original
        for inactive in ways
        for target, original in originals.items()
    )


def _source(domain: Domain, target: str, *, inactive: bool) -> str:
    disk = domain.spec(inactive=inactive).disk(target)
    return (disk.source or "") if disk is not None else ""


def _chain(domain: Domain, target: str, original: str) -> _Chain | None:
    """None: the disk is its original image."""
    is_live = domain.is_active()
    source = _source(domain, target, inactive=not is_live)
    if source == original:
        return None
    found = images.links(Path(source), format_=_FORMAT, is_live=True) if source else ()
    paths = [link.path for link in found]
    if original not in paths:
        raise SettlingNotBelow(about=domain.name, disk=target, image=original)
    return _Chain(target=target, links=found[: paths.index(original) + 1])


def _require_room(domain: Domain, chain: _Chain) -> None:
    """A device has its room; an image grows by what it lacks, and by no more than what comes."""
    original = Path(chain.original.path)
    if original.is_block_device():
        return
    found = os.statvfs(original.parent)
    free = found.f_bavail * found.f_frsize
    needed = min(chain.folded_bytes, max(0, chain.links[0].size - chain.original.allocated))
    if free < needed:
        raise SettlingWithoutRoom(
            about=domain.name,
            folder=original.parent,
            free=format_size(free),
            needed=format_size(needed),
        )


def _fold_live(domain: Domain, chain: _Chain, clock: Clock, on_step: Callable[[str], None]) -> None:
    target, original = chain.target, chain.original.path
    job = disk_job(domain, target)
    if job is None:
        _require_may_grow(domain, chain)
        merge_all_layers(domain, target, base=original)
        on_step("folding")
    elif job.kind is not DiskJobKind.ACTIVE_COMMIT:
        raise _stuck(domain, chain, _("another job is at work on it"))
    _await(lambda: _is_ready(domain, chain), clock)
    on_step("equal")
    end_disk_job(domain, target, pivot=True)
    _await(lambda: disk_job(domain, target) is None, clock)
    if _source(domain, target, inactive=False) != original:
        raise _stuck(domain, chain, _("QEMU ended the work before its end"))
    # Without what libvirt writes down of the images that lay above.
    _define_original(domain, chain)


def _is_ready(domain: Domain, chain: _Chain) -> bool:
    if disk_job(domain, chain.target) is None:
        raise _stuck(domain, chain, _("QEMU ended the work before its end"))
    return is_merge_ready(domain, chain.target)


def _fold_off(
    domain: Domain, chain: _Chain, checkpoint: str, on_step: Callable[[str], None]
) -> None:
    top, original = Path(chain.links[0].path), chain.original
    if original.format == _FORMAT:
        _drop_torn_records(Path(original.path))
    images.commit(top, base=original.path)
    on_step("equal")
    if original.format == _FORMAT and checkpoint:
        _carry_record(top, Path(original.path), checkpoint)
    _define_original(domain, chain)


def _require_may_grow(domain: Domain, chain: _Chain) -> None:
    """QEMU says no more than that it ended; of a machine that is off we can mend it."""
    original, top = chain.original, chain.links[0]
    if original.format != _FORMAT or top.size <= original.size:
        return
    found = images.inspect(Path(original.path), format_=_FORMAT, looks_below=False).bitmaps
    if any(each.is_in_use and each.name for each in found):
        reason = _("it has a record that was not closed and cannot grow: shut the machine down")
        raise _stuck(domain, chain, reason)


def _drop_torn_records(original: Path) -> None:
    """Nobody can use one that was not closed, and an image that has one cannot grow."""
    for bitmap in images.inspect(original, format_=_FORMAT, looks_below=False).bitmaps:
        if bitmap.is_in_use:
            images.remove_bitmap(original, bitmap.name)


def _carry_record(top: Path, original: Path, checkpoint: str) -> None:
    """After the content: written before, it would tell of all that was folded."""
    known = {each.name for each in images.inspect(original, format_=_FORMAT).bitmaps}
    recorded = images.inspect(top, format_=_FORMAT).bitmaps
    if checkpoint in known:
        # One whose making was killed.
        images.remove_bitmap(original, checkpoint)
    if any(each.name == checkpoint and not each.is_in_use for each in recorded):
        images.add_bitmap(original, checkpoint)
        images.merge_bitmap(original, checkpoint, source=top)


def _define_original(domain: Domain, chain: _Chain) -> None:
    original = chain.original
    place = DiskPlace(
        path=original.path,
        format=original.format,
        is_block_device=Path(original.path).is_block_device(),
    )
    xml = domain.xml(inactive=True, secure=True)
    define_domain(domain.host, with_identity(xml, Identity(disks={chain.target: place})))


def _tracked(domain: Domain, checkpoint: str, originals: Mapping[str, str]) -> frozenset[str]:
    if not checkpoint or checkpoint not in {each.name for each in list_checkpoints(domain)}:
        return frozenset()
    if domain.is_active():
        return tracked_disks(domain, checkpoint)
    found = []
    for target, original in originals.items():
        disk = domain.spec(inactive=True).disk(target)
        if disk is not None and disk.format == _FORMAT:
            bitmaps = images.inspect(Path(original), format_=_FORMAT).bitmaps
            found += [target for each in bitmaps if each.name == checkpoint and not each.is_in_use]
    return frozenset(found)


def _require_alone(place: Place, vm: str, promoted: Promoted) -> None:
    """A copy that runs on a point would have its disks changed under it."""
    found = pins(open_folder(place.site.folder, vm), place.clock.now())
    others = [pin.who for pin in found if pin.holds_files and pin.who != promoted.pin]
    if others:
        raise ReplicaInUse(about=promoted.name, who=", ".join(others))


def _require_originals(domain: Domain, promoted: Promoted, originals: Mapping[str, str]) -> None:
    """What lies in the folder of the promotion goes with it, whether the machine has it or not."""
    for disk in domain.spec(inactive=domain.is_persistent()).hard_disks:
        lies_there = disk.source and Path(disk.source).parent == Path(promoted.folder)
        if lies_there and disk.target not in originals:
            raise SettlingWithoutOriginal(about=domain.name, disk=disk.target)


def _spoil(place: Place, vm: str) -> None:
    """The site judges layers by their stamps: none of these is anybody's point any more."""
    layers = open_folder(place.site.folder, vm).layers
    if layers.is_dir():
        for path in layers.iterdir():
            os.utime(path)


def _remove_replica(place: Place, vm: str) -> None:
    try:
        place.site.remove(vm)
    except ReplicaMissing:
        return


def _stuck(domain: Domain, chain: _Chain, reason: str) -> HoldfastError:
    return SettlingStuck(
        about=domain.name, disk=chain.target, image=chain.original.path, reason=reason
    )


def _await(is_so: Callable[[], bool], clock: Clock) -> None:
    """For as long as it takes: there may be much to fold."""
    while not patiently(is_so, clock):
        clock.sleep(_POLL_SECONDS)
