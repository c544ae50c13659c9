"""Write the log of the file cache anew, without the records nothing points to any more."""

import mmap
import os
from typing import BinaryIO

import msgspec

from holdfast.files.backup.log_records import Record, packed_record, record_at
from holdfast.files.backup.messages import NO_RECORD

_BUFFER = 1 << 20


def copy_live(source: str, target: str, *, length: int, roots: list[int]) -> dict[int, int]:
    """Copy what these records lead to, as far as the log is valid; the new place of each."""
    places = {NO_RECORD: NO_RECORD}
    with open(source, "rb") as log, open(target, "wb", buffering=_BUFFER) as out:
        os.fchmod(out.fileno(), 0o600)
        with mmap.mmap(log.fileno(), length, prot=mmap.PROT_READ) as memory:
            for root in roots:
                _copy(memory, root, out, places)
    return places


def _copy(memory: mmap.mmap, root: int, out: BinaryIO, places: dict[int, int]) -> None:
    """Children come before their parents, who name their places."""
    waiting: list[tuple[int, Record | None]] = [(root, None)]
    while waiting:
        place, record = waiting.pop()
        if record is not None:
            places[place] = out.tell()
            children = [places.get(child, NO_RECORD) for child in record.children]
            out.write(packed_record(msgspec.structs.replace(record, children=children)))
            continue
        record = record_at(memory, place)
        if record is None:
            # Damaged since: its folder is read anew next time.
            places[place] = NO_RECORD
            continue
        waiting.append((place, record))
        waiting += [(child, None) for child in record.children if child not in places]
