"""Where the record of each machine's recovery lies on this host, and who may change it.

HOME/recovery/UUID/record.json   tidings.json   order.json   lock   record.lock
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.machines.state_files import replace_file
from holdfast.recovery.record import MOST_EVENTS, VERSION, Act, Event, RecoveryRecord
from holdfast.recovery.record_errors import RecordMissing, RecordNewer, RecordUnreadable

FOLDER = "recovery"
_RECORD = "record.json"
_WRITERS = "record.lock"


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

    def change(
        self,
        make: Callable[[RecoveryRecord], RecoveryRecord],
        *,
        first: RecoveryRecord | None = None,
    ) -> RecoveryRecord:
        """Durable when this returns; `first` is what is changed where nothing was ever done.

        A command and the process that hears of the source write to the same record: what one of
        them has put there stays when the other changes something else.
        """
        with self._alone():
            known = self.load() or first
            if known is None:
                raise RecordMissing(path=self.path / _RECORD)
            changed = make(known)
            return changed if changed == known else self.save(changed)

    def keep_notes(self, act: Act) -> None:
        """As `acts.perform` keeps how its steps went; whatever else the act has stays as it is."""

        def noted(record: RecoveryRecord) -> RecoveryRecord:
            known = record.act if record.act and record.act.id == act.id else act
            return msgspec.structs.replace(
                record, act=msgspec.structs.replace(known, steps=act.steps)
            )

        self.change(noted)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self.path / _WRITERS
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def with_event(
    record: RecoveryRecord,
    clock: Clock,
    what: str,
    *,
    who: str = "",
    why: str = "",
    figures: dict[str, float] | None = None,
) -> RecoveryRecord:
    happened = Event(what=what, at=clock.now(), who=who, why=why, figures=figures or {})
    return msgspec.structs.replace(record, events=(*record.events, happened))


def known_here(home: str) -> Iterator[str]:
    """The UUIDs of the machines there are records of."""
    with contextlib.suppress(FileNotFoundError):
        for entry in sorted(os.listdir(os.path.join(home, FOLDER))):
            if (Path(home, FOLDER, entry) / _RECORD).exists():
                yield entry
