"""What a machine that left, or tried to, has left on its disks at its own host.

Where it goes on, its images are one again. Where it runs at the site, what it had written here
after the last point is there as well: those images go, and what lies below is that very point, so
that the way back begins with nothing to compare.
"""

import contextlib
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.disks import images
from holdfast.hypervisor.barred import FENCED, with_bar, without_bar
from holdfast.hypervisor.checkpoints import forget_checkpoint
from holdfast.hypervisor.domain_identity import DiskPlace
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.hypervisor.states import State
from holdfast.machines.adopting import end_our_job
from holdfast.machines.overlay_merging import give_back, settle_merges
from holdfast.machines.overlay_putting import settle_layers
from holdfast.machines.overlays import with_places
from holdfast.machines.vm_lock import vm_lock
from holdfast.recovery.fencing import is_fenced, unbar
from holdfast.recovery.live_note import LiveNote, drop_live, read_live
from holdfast.recovery.live_sockets import clear_room, way_of
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder


def settle(domain: Domain, folder: RecordFolder, clock: Clock, *, home: str, site: str) -> None:
    """`site` is the id of the host it went to. Raises VmOperationRunning while others have it."""
    with vm_lock(home, domain.uuid, clock, name=domain.name, work="failover"):
        note, record = read_live(folder), folder.load()
        if note is None:
            return
        if record is not None and record.runs_at == site:
            if not domain.is_active() and is_fenced(domain):
                _throw_away(domain, folder, note, record)
                _forget(folder, note)
        elif record is None or not record.is_barred:
            _put_back(domain, clock, home=home)
            _forget(folder, note)


def _forget(folder: RecordFolder, note: LiveNote) -> None:
    """Its sockets too, which whoever was killed has left."""
    clear_room(way_of(note.act, note.attempt))
    drop_live(folder)


def _put_back(domain: Domain, clock: Clock, *, home: str) -> None:
    """It goes on in its own images."""
    standing = domain.standing()
    if standing.state is State.PAUSED and standing.reason == "migration":
        domain.resume()
    if domain.is_persistent() and is_fenced(domain):
        unbar(domain)
    # A reader that was killed has left its job, and beside that nothing is merged.
    end_our_job(domain, clock)
    settle_layers(domain, clock, home=home)
    if domain.is_active():
        settle_merges(domain, clock)
    give_back(domain, clock, home=home)


def _throw_away(
    domain: Domain, folder: RecordFolder, note: LiveNote, record: RecoveryRecord
) -> None:
    xml = without_bar(domain.xml(inactive=True, secure=True), mark=FENCED)
    places = {
        target: DiskPlace(
            path=path, format=note.formats[target], is_block_device=Path(path).is_block_device()
        )
        for target, path in note.below.items()
    }
    plain = with_places(xml, places)
    define_domain(domain.host, with_bar(plain, tuple(note.below), mark=FENCED))
    fence = record.fence
    if fence is not None:
        kept = msgspec.structs.replace(fence, definition=plain)
        folder.change(lambda now: msgspec.structs.replace(now, fence=kept))
    for target, path in note.below.items():
        _begin_record(Path(path), note, format_=note.formats[target])
    with contextlib.suppress(HoldfastError):
        forget_checkpoint(domain, note.checkpoint)
    for path in note.overlays.values():
        Path(path).unlink(missing_ok=True)


def _begin_record(image: Path, note: LiveNote, *, format_: str) -> None:
    """It is the point, and nothing was written since: a record says so to whoever comes back."""
    if format_ != "qcow2" or not note.generation:
        return
    known = {
        each.name for each in images.inspect(image, format_=format_, looks_below=False).bitmaps
    }
    if note.generation not in known:
        images.add_bitmap(image, note.generation)
