"""What a promotion has brought is dropped: the machine ends, and all it wrote here goes."""

import os
from pathlib import Path

import msgspec

from holdfast.recovery.acts import Step
from holdfast.recovery.promoting import Place, end
from holdfast.recovery.record import Promoted, RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder

# An image that nothing was written to has its tables, and no more.
_EMPTY = 1 << 20
_SECTOR = 512


def drop_step(place: Place, folder: RecordFolder, *, but: str = "") -> Step:
    """`but` is an act: what was started by that one stays."""

    def gone() -> bool:
        return _to_drop(folder, but) is None

    def do() -> str:
        promoted = _to_drop(folder, but)
        assert promoted is not None, "it was looked at just now"
        end(place, folder.vm, promoted)
        folder.change(_without)
        return ""

    return Step(name="stop", do=do, is_done=gone)


def written_bytes(promoted: Promoted) -> int:
    """What its images take, which is what it wrote since it was started; 0: hardly anything."""
    return sum(_taken(Path(disk.path)) for disk in promoted.disks)


def _taken(path: Path) -> int:
    try:
        taken = os.stat(path).st_blocks * _SECTOR
    except OSError:
        return 0
    return taken if taken > _EMPTY else 0


def _to_drop(folder: RecordFolder, but: str) -> Promoted | None:
    record = folder.load()
    promoted = record.promoted if record else None
    if promoted is None or (but and but in promoted.folder):
        return None
    return promoted


def _without(record: RecoveryRecord) -> RecoveryRecord:
    return msgspec.structs.replace(record, promoted=None)
