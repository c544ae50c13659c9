"""A commit: what runs here stays, and the points it could have been changed to go.

The newest point stays as well where another one was promoted: what was written between the two is
what the old home has and this host has not, and only its layers tell of it when it is reprotected.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.texts import ngettext
from holdfast.disks import images
from holdfast.hypervisor.checkpoints import delete_checkpoint, forget_checkpoint
from holdfast.hypervisor.domains import Domain, find_by_uuid
from holdfast.recovery.acts import Step
from holdfast.recovery.promoting import Place
from holdfast.recovery.promotion_images import FORMAT
from holdfast.recovery.record import Promoted
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.standing_alone import Alone
from holdfast.recovery.way_back_notes import hold_record
from holdfast.replication.replica_errors import ReplicaMissing
from holdfast.replication.replica_folder import open_folder
from holdfast.replication.settings import PointPolicy

# Only the newest, and what is pinned.
_NO_OTHERS = PointPolicy(hours=0, most=1)


def committing_steps(place: Place, folder: RecordFolder) -> Sequence[Step]:
    def do() -> str:
        if place.site.state(folder.vm) is None:
            return ""
        gone = place.site.thin(folder.vm, _NO_OTHERS)
        return ngettext("{count} point", "{count} points", gone).format(count=gone)

    return (Step(name="points", do=do),)


def completing_steps(
    place: Place, folder: RecordFolder, *, home: str, bytes_per_second: int = 0
) -> Sequence[Step]:
    """It has moved for good: nothing of its replica is needed then, and all of that goes."""
    completing = _Completing(
        place=place, folder=folder, home=home, bytes_per_second=bytes_per_second
    )
    return (
        *committing_steps(place, folder),
        Step(name="alone", do=str, is_done=completing.is_alone, goes=completing.stand),
        Step(name="replica", do=completing.remove, is_done=completing.is_removed),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Completing:
    place: Place
    folder: RecordFolder
    home: str
    bytes_per_second: int

    def is_alone(self) -> bool:
        return self._alone().is_done()

    def stand(self) -> Iterator[str]:
        yield from self._alone().stand()

    def is_removed(self) -> bool:
        return open_folder(self.place.site.folder, self.folder.vm).is_bare()

    def remove(self) -> str:
        promoted, site, vm = self._promoted(), self.place.site, self.folder.vm
        self._alone().forget_layers()
        if promoted.checkpoint:
            # What it wrote since it came was recorded for the way back.
            _drop_record(self._domain(), promoted)
            hold_record(self.home, vm, self.place.clock, "")
        with contextlib.suppress(ReplicaMissing):
            site.unpin(vm, promoted.generation, who=promoted.pin)
        site.remove(vm)
        return ""

    def _alone(self) -> Alone:
        return Alone(
            domain=self._domain(),
            clock=self.place.clock,
            layers=open_folder(self.place.site.folder, self.folder.vm).layers,
            bytes_per_second=self.bytes_per_second,
        )

    def _domain(self) -> Domain:
        """Wherever its disks are by now."""
        return find_by_uuid(self.place.host, self._promoted().uuid)

    def _promoted(self) -> Promoted:
        record = self.folder.load()
        assert record is not None, "an act has begun, so there is a record"
        assert record.promoted is not None, "it was failed over to here"
        return record.promoted


def _drop_record(domain: Domain, promoted: Promoted) -> None:
    if domain.is_active():
        delete_checkpoint(domain, promoted.checkpoint)
        return
    forget_checkpoint(domain, promoted.checkpoint)
    for disk in promoted.disks:
        path = Path(disk.path)
        if not path.exists():
            # Somebody has moved the disk: its record went with the image.
            continue
        known = images.inspect(path, format_=FORMAT).bitmaps
        if promoted.checkpoint in {each.name for each in known}:
            images.remove_bitmap(path, promoted.checkpoint)
