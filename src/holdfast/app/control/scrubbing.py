"""The server's own verification of stored files: names are hashes, so it needs no key.

It runs in slices; how far it has come is in the database, so that the next slice, after a crash
or on another server, goes on behind the last file.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control.access import require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.gateway import repository_of, storage_of
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recounting import recount
from holdfast.base.ids import is_file_id
from holdfast.base.texts import _
from holdfast.base.units import GIB, MIB
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Scrub
from holdfast.fleet.roles import Right
from holdfast.storage.errors import FileMissing, FileTooShort, StorageBroken
from holdfast.storage.protocol import Entry, Storage

_PIECE = 4 * MIB
# In this order; locks come and go, and the name of `config` is not its hash.
_FOLDERS = ("data", "holdfast/ledger", "index", "keys", "snapshots")
_SHARDS = tuple(f"data/{number:02x}" for number in range(256))
_MOST_DAMAGED = 1000
_NOTED_EVERY = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubProgress:
    machine_id: str
    started_at: datetime
    ended_at: datetime | None
    files: int
    bytes_read: int
    # Names of files whose content is not what it was.
    damaged: list[str]

    @property
    def is_done(self) -> bool:
        return self.ended_at is not None


def show_scrub(plane: Plane, actor: Actor, machine_id: str) -> ScrubProgress:
    """The scrub under way, or the last one."""
    with plane.database.read() as db:
        machine = db.get(Machine, machine_id)
        require(db, actor, Right.READ, machine.vault_id if machine else None)
        row = db.get(Scrub, machine_id)
    if row is None:
        raise NotThere(what=_("scrub"), name=machine_id)
    return _view(row)


def scrub_repository(
    plane: Plane, machine_id: str, *, asked_at: datetime, budget: int = GIB
) -> ScrubProgress:
    """Read on for about so many bytes. One that ended after `asked_at` is not begun again."""
    with plane.database.write() as db:
        repository = repository_of(db, machine_id)
        row = _current(db, plane, machine_id, asked_at)
        if row.ended_at is not None:
            return _view(row)
        after, before = row.after, _Slice(damaged=tuple(row.damaged))
    done = before
    for done in _slices(storage_of(plane, repository), after, before):
        if done.read >= budget:
            return _note(plane, machine_id, done, is_done=False)
        if done.files % _NOTED_EVERY == 0:
            _note(plane, machine_id, done, is_done=False)
            done.noted()
    finished = _note(plane, machine_id, done, is_done=True)
    recount(plane, machine_id)
    return finished


class _Slice:
    """What was read since it was noted last."""

    def __init__(self, *, damaged: tuple[str, ...]) -> None:
        self.files = 0
        self.read = 0
        self.after = ""
        self.damaged = damaged
        self._told = (0, 0)

    def add(self, name: str, size: int, *, is_good: bool) -> None:
        self.files += 1
        self.read += size
        self.after = name
        if not is_good and len(self.damaged) < _MOST_DAMAGED:
            self.damaged = (*self.damaged, name)

    def untold(self) -> tuple[int, int]:
        return self.files - self._told[0], self.read - self._told[1]

    def noted(self) -> None:
        self._told = self.files, self.read


def _slices(storage: Storage, after: str, done: _Slice) -> Iterator[_Slice]:
    """One file at a time; the same object grows."""
    for entry in _entries(storage, after):
        good = _is_good(storage, entry)
        if good is not None:
            done.add(entry.name, entry.size, is_good=good)
            yield done


def _entries(storage: Storage, after: str) -> Iterator[Entry]:
    """Every file that has a hash for a name, in the order of names, behind one of them.

    A shard at a time: a large vault has more names than should be in memory together.
    """
    for folder in (*_SHARDS, *_FOLDERS[1:]):
        # Behind every name of the folder, and before any of the next: "0" follows "/".
        if folder + "0" > after:
            found = [entry for entry in storage.list(folder) if entry.name > after]
            named = (entry for entry in found if is_file_id(entry.name.rpartition("/")[2]))
            yield from sorted(named)


def _is_good(storage: Storage, entry: Entry) -> bool | None:
    """Whether the content is that of its name; None when it was removed meanwhile."""
    found = hashlib.sha256()
    try:
        for at in range(0, entry.size, _PIECE):
            found.update(storage.read(entry.name, at, min(_PIECE, entry.size - at)))
    except FileMissing:
        return None
    except (FileTooShort, StorageBroken):
        return False
    return found.hexdigest() == entry.name.rpartition("/")[2]


def _current(db: Session, plane: Plane, machine_id: str, asked_at: datetime) -> Scrub:
    row = db.get(Scrub, machine_id, with_for_update=True)
    if row is not None and (row.ended_at is None or row.ended_at >= asked_at):
        return row
    if row is not None:
        db.delete(row)
        db.flush()
    row = Scrub(
        machine_id=machine_id,
        started_at=plane.clock.now(),
        files=0,
        bytes_read=0,
        damaged=[],
        after="",
    )
    db.add(row)
    db.flush()
    return row


def _note(plane: Plane, machine_id: str, done: _Slice, *, is_done: bool) -> ScrubProgress:
    files, read = done.untold()
    with plane.database.write() as db:
        row = db.get(Scrub, machine_id, with_for_update=True)
        if row is None:
            raise NotThere(what=_("scrub"), name=machine_id)
        row.files += files
        row.bytes_read += read
        row.after = done.after or row.after
        row.damaged = list(done.damaged)
        row.ended_at = plane.clock.now() if is_done else None
        return _view(row)


def _view(row: Scrub) -> ScrubProgress:
    return ScrubProgress(
        machine_id=row.machine_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        files=row.files,
        bytes_read=row.bytes_read,
        damaged=list(row.damaged),
    )
