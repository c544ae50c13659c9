"""The server's whole state into one sealed file, and back: to keep it safe, to move it elsewhere."""

import contextlib
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control.authority import KEYS
from holdfast.app.control.key_files import read, write_once
from holdfast.app.control.server_errors import NoStateHere
from holdfast.app.control.starting import sole_owner
from holdfast.app.control.state_file import End, Head, Record, Rows, reading, writing
from holdfast.app.control.transfer_errors import (
    ExportOfOtherVersion,
    ExportUnreadable,
    StateNotEmpty,
)
from holdfast.base.secret import Secret
from holdfast.base.texts import _
from holdfast.catalog import transfer
from holdfast.catalog.migrating import head, open_database


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a server's state lies."""

    folder: str
    database_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was taken out or brought in."""

    rows: int
    made_at: datetime
    keys_only: bool


def export_state(
    place: Place, file: str, passphrase: Secret, *, keys_only: bool = False, now: datetime
) -> Moved:
    """Write it to a new file, also while servers work with it: one instant of the whole."""
    count = 0
    first = Head(made_at=now, tables=None if keys_only else head(), keys=_keys_in(place.folder))
    # Closed before the file is: an error while writing must not leave a transaction behind.
    rows = _rows(None if keys_only else place.database_url)
    with writing(file, passphrase) as write, contextlib.closing(rows):
        write(first)
        for some in rows:
            write(some)
            count += len(some.rows)
        write(End(rows=count))
    return Moved(rows=count, made_at=now, keys_only=keys_only)


def import_state(place: Place, file: str, passphrase: Secret) -> Moved:
    """Fill an empty state: with all that is in the file, or with nothing."""
    with sole_owner(place.folder), reading(file, passphrase) as records:
        first = next(records, None)
        if not isinstance(first, Head):
            raise ExportUnreadable(file=file, reason=_("its beginning is missing"))
        _refuse_other_keys(place.folder, first)
        if first.tables is None:
            count = _count(records, file)
            _write_keys(place.folder, first)
        else:
            count = _fill(place, first, records, file)
    return Moved(rows=count, made_at=first.made_at, keys_only=first.tables is None)


def _rows(database_url: str | None) -> Generator[Rows, None, None]:
    if database_url is None:
        return
    database = open_database(database_url)
    try:
        with transfer.snapshot(database) as connection:
            for name in transfer.table_names():
                columns = transfer.columns_of(name)
                for rows in transfer.batches(connection, name):
                    yield Rows(table=name, columns=columns, rows=rows)
    finally:
        database.close()


def _fill(place: Place, first: Head, records: Iterator[Record], file: str) -> int:
    if first.tables != head():
        raise ExportOfOtherVersion(file=file, found=first.tables, wanted=head())
    database = open_database(place.database_url)
    try:
        with transfer.filling(database) as connection:
            if not transfer.is_empty(connection):
                raise StateNotEmpty(place=database)
            count = _count(_added(connection, records), file)
            transfer.go_on_counting(connection)
            # Rows without keys would be refused for ever; keys without rows may be brought again.
            _write_keys(place.folder, first)
            return count
    finally:
        database.close()


def _added(connection: transfer.Connection, records: Iterator[Record]) -> Iterator[Record]:
    for record in records:
        if isinstance(record, Rows):
            transfer.add(connection, record.table, record.columns, record.rows)
        yield record


def _count(records: Iterator[Record], file: str) -> int:
    """How many rows came by; the last record must say the same."""
    count = 0
    for record in records:
        if isinstance(record, Rows):
            count += len(record.rows)
        elif isinstance(record, End) and record.rows == count and next(records, None) is None:
            return count
    raise ExportUnreadable(file=file, reason=_("its end is missing or does not fit"))


def _keys_in(folder: str) -> dict[str, str]:
    found = {}
    for name in KEYS:
        content = read(os.path.join(folder, name))
        if content is None:
            raise NoStateHere(folder=folder, name=name)
        found[name] = content.decode()
    return found


def _refuse_other_keys(folder: str, first: Head) -> None:
    for name in KEYS:
        there = read(os.path.join(folder, name))
        if there is not None and there.decode() != first.keys.get(name):
            raise StateNotEmpty(place=folder)


def _write_keys(folder: str, first: Head) -> None:
    # The certificate last: alone it would say that there was a key, and that it is lost.
    for name in sorted(KEYS, key=lambda name: name.endswith(".pem")):
        write_once(os.path.join(folder, name), first.keys[name].encode())
