"""Two change logs made one, when a link is behind: the newest data wins, and one instant is left.

What comes out does to a replica what the older log and then the newer one do to it. Frames that
nothing lies upon are copied as they are; only what is covered in part is unpacked.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from holdfast.disks.spans import Span
from holdfast.machines.points import Rung
from holdfast.replication.log_errors import LogsDoNotFollow
from holdfast.replication.log_head import Kind, LoggedDisk, LogHead
from holdfast.replication.log_index import Entry, IndexedLog
from holdfast.replication.log_reader import plain_of
from holdfast.replication.log_writer import LogWriter, SealedLog

_COSTS = {rung: cost for cost, rung in enumerate(Rung)}


def merge(older: Path, newer: Path, to: Path) -> SealedLog:
    """Both are proven first and stay as they are; `to` may be the name of either."""
    with IndexedLog(older) as under, IndexedLog(newer) as over:
        reason = why_not(under.head, over.head)
        if reason is not None:
            raise LogsDoNotFollow(older=older, newer=newer, reason=reason)
        head = merged_head(under.head, over.head)
        with LogWriter(to, head) as log:
            for name, content in over.files.items():
                log.file(name, content)
            for disk in over.head.disks:
                _merge_disk(log, disk, under, over)
            return log.seal()


def why_not(older: LogHead, newer: LogHead) -> str | None:
    """Why the newer one cannot be put upon the older, None where it can."""
    if older.vm != newer.vm:
        return "they are of two machines"
    if (older.kind, newer.kind) != (Kind.STEP, Kind.STEP):
        return "slices of a walk are no steps"
    if newer.since != older.until:
        return f"it begins with {newer.since or 'nothing'}, not with {older.until}"
    for disk in newer.disks:
        if older.disk(disk.target) is None and disk.rung is not Rung.FULL:
            return f"{disk.target} is not in the older one"
    return None


def merged_head(older: LogHead, newer: LogHead) -> LogHead:
    """The instant of the newer, relative to what the older one was."""
    disks = tuple(_merged_facts(older.disk(disk.target), disk) for disk in newer.disks)
    return msgspec.structs.replace(newer, since=older.since, disks=disks)


def _merged_facts(before: LoggedDisk | None, disk: LoggedDisk) -> LoggedDisk:
    """That something dear was needed is not forgotten."""
    if before is None or _COSTS[before.rung] <= _COSTS[disk.rung]:
        return disk
    return msgspec.structs.replace(disk, rung=before.rung, why=before.why)


def _merge_disk(log: LogWriter, disk: LoggedDisk, under: IndexedLog, over: IndexedLog) -> None:
    older = _visible(disk, under)
    for entry, piece in layered(older, over.entries(disk.target)):
        kept = piece or Span(entry.start, entry.end)
        if not entry.at:
            log.zero(disk.target, kept.start, kept.length)
            continue
        frame, stored = (under if piece else over).frame(entry)
        if kept == (frame.offset, frame.end):
            log.copy(disk.target, frame, stored)
        else:
            plain = memoryview(plain_of(frame, stored))
            at = kept.start - frame.offset
            log.data(disk.target, kept.start, plain[at : at + kept.length])


def _visible(disk: LoggedDisk, under: IndexedLog) -> Iterator[Entry]:
    """What of the older log may be seen through the newer, as wide as both disks are."""
    before = under.head.disk(disk.target)
    if before is None or disk.rung is Rung.FULL:
        return
    for entry in under.entries(disk.target):
        if entry.start < disk.size:
            yield entry._replace(end=min(entry.end, disk.size))
    if before.size < disk.size:
        # What a disk has grown by is zero. The replica may have been larger before the older log,
        # and must not show what it held there then.
        yield Entry(before.size, disk.size, 0)


def layered(older: Iterable[Entry], newer: Iterable[Entry]) -> Iterator[tuple[Entry, Span | None]]:
    """Both in the order of offsets: the newer whole, of the older the pieces that stay visible."""
    above = _Above(newer)
    for entry in older:
        at = max(entry.start, above.end)
        for upper in above.until(entry.end):
            if at < upper.start:
                yield entry, Span(at, upper.start)
            yield upper, None
            at = max(at, upper.end)
        if at < entry.end:
            yield entry, Span(at, entry.end)
    yield from ((upper, None) for upper in above.rest())


class _Above:
    """The newer entries as they are come to."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._coming = iter(entries)
        self._next = next(self._coming, None)
        # Of the last one that was given.
        self.end = 0

    def until(self, offset: int) -> Iterator[Entry]:
        while self._next is not None and self._next.start < offset:
            given, self._next = self._next, next(self._coming, None)
            self.end = given.end
            yield given

    def rest(self) -> Iterator[Entry]:
        while self._next is not None:
            yield from self.until(self._next.end)
