"""What a host remembers of a way back, beside the record.

HOME/recovery/UUID/adopted.json    the answer its site was given, to be given again
HOME/recovery/UUID/asked.json      by what word the old home was asked last, until it follows
HOME/recovery/UUID/home.json       what is recorded of a machine since it came home
"""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from holdfast.base.clock import Clock
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.state_files import replace_file
from holdfast.machines.vm_lock import FOLDER
from holdfast.recovery.desk import SPLIT_BRAIN
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.adoption import Adopted

_SINCE = "replica:since-it-came"
_ADOPTED, _HOME, _ASKED = "adopted.json", "home.json", "asked.json"
_T = TypeVar("_T", bound=msgspec.Struct)


class HomeNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`generation` is the point it came home with; `checkpoint` is the record since, if any."""

    act: str
    generation: str
    taken_at: datetime
    checkpoint: str = ""
    # Its own images, by disk.
    originals: dict[str, str] = {}
    # They have all of it, and the replica is gone.
    is_settled: bool = False


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    act: str
    epoch: int


def adopted_name(vm: str, act: str) -> str:
    """What the disks of an old home hold, as a generation: the same for the same act."""
    return f"holdfast-{sha256(f'{vm} {act}'.encode()).hexdigest()[:16]}"


def was_split(record: RecoveryRecord) -> bool:
    """It ran at both hosts by the epoch that holds now."""
    return any(
        event.what == SPLIT_BRAIN and event.figures.get("epoch") == record.epoch
        for event in record.events
    )


def hold_record(home: str, vm: str, clock: Clock, checkpoint: str) -> None:
    """Backups leave the record of what a machine has written since it came here; empty: it may go."""
    Path(home, FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    CheckpointNotes(home, vm, clock).note(_SINCE, checkpoint)


def adoption_word(record: RecoveryRecord, folder: RecordFolder, *, act: str) -> str:
    """What the old home knows the adoption by: an act that was given up after it is gone on with."""
    asked = _read(folder, _ASKED, _Asked)
    return asked.act if asked is not None and asked.epoch == record.epoch else act


def keep_asked(record: RecoveryRecord, folder: RecordFolder, *, act: str) -> None:
    """Before the old home is asked: whatever comes of it, its images may go by other names then."""
    _keep(folder, _ASKED, _Asked(act=act, epoch=record.epoch))


def drop_asked(folder: RecordFolder) -> None:
    (folder.path / _ASKED).unlink(missing_ok=True)


def keep_adopted(folder: RecordFolder, adopted: Adopted) -> None:
    _keep(folder, _ADOPTED, adopted)


def adopted_before(folder: RecordFolder) -> Adopted | None:
    return _read(folder, _ADOPTED, Adopted)


def keep_home(folder: RecordFolder, note: HomeNote) -> None:
    _keep(folder, _HOME, note)


def home_note(folder: RecordFolder) -> HomeNote | None:
    return _read(folder, _HOME, HomeNote)


def _keep(folder: RecordFolder, name: str, value: msgspec.Struct) -> None:
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(folder.path / name, msgspec.json.encode(value))


def _read(folder: RecordFolder, name: str, type_: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode((folder.path / name).read_bytes(), type=type_)
    except (OSError, msgspec.DecodeError):
        return None
