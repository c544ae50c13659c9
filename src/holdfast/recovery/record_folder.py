"""Where the record of each machine's recovery lies on this host, and who may change it.

HOME/recovery/UUID/record.json   lock
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.machines.state_files import replace_file
from holdfast.recovery.record import MOST_EVENTS, VERSION, Event, RecoveryRecord
from holdfast.recovery.record_errors import RecordNewer, RecordUnreadable

FOLDER = "recovery"
_RECORD = "record.json"


class RecordFolder:
    def __init__(self, home: str, vm: str) -> None:
        self.path = Path(home, FOLDER, vm)
        self.vm = vm

    def load(self) -> RecoveryRecord | None:
        """None where nothing was ever done; a record that does not read is never as good as none.

        By it a host knows that a machine was given away.
        """
        path = self.path / _RECORD
        try:
            record = msgspec.json.decode(path.read_bytes(), type=RecoveryRecord)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as err:
            raise RecordUnreadable(path=path, reason=err) from err
        if record.version > VERSION:
            raise RecordNewer(path=path, version=record.version)
        return record

    def save(self, record: RecoveryRecord) -> RecoveryRecord:
        """Durable when this returns."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = msgspec.structs.replace(record, events=record.events[-MOST_EVENTS:])
        replace_file(self.path / _RECORD, msgspec.json.encode(kept))
        return kept


def with_event(
    record: RecoveryRecord, clock: Clock, what: str, *, who: str = "", why: str = ""
) -> RecoveryRecord:
    happened = Event(what=what, at=clock.now(), who=who, why=why)
    return msgspec.structs.replace(record, events=(*record.events, happened))


def known_here(home: str) -> Iterator[str]:
    """The UUIDs of the machines there are records of."""
    with contextlib.suppress(FileNotFoundError):
        for entry in sorted(os.listdir(os.path.join(home, FOLDER))):
            if (Path(home, FOLDER, entry) / _RECORD).exists():
                yield entry
