"""The parent's loop: hand out tasks, take answers, store packs, keep the index growing."""

from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec

from holdfast.base.ids import BlobId
from holdfast.files.backup.assembly import Assembly
from holdfast.files.backup.messages import (
    NO_RECORD,
    Counts,
    FolderDone,
    FolderSame,
    FolderTask,
    PackReady,
    PartDone,
    Result,
    SegmentDone,
    Task,
    WorkerDone,
    WorkerFailed,
)
from holdfast.files.backup.pool import Pool, Worker
from holdfast.vault.forking import WorkerDied
from holdfast.vault.index_keeper import IndexKeeper
from holdfast.vault.pack_header import Kind, Span
from holdfast.vault.pack_sinks import PackSink, TreeSink
from holdfast.vault.uploads import Entries, Uploads

# Folders the cache knows are mostly unchanged and quick; others are read.
_BATCH_KNOWN, _BATCH_NEW = 32, 8
# A task message must fit in a pipe together with those before it.
_BATCH_BYTES = 16_000
_PATIENCE = 0.2


class Pipeline(msgspec.Struct, kw_only=True):
    pool: Pool
    assembly: Assembly
    trees: TreeSink
    rests: PackSink
    uploads: Uploads
    index: IndexKeeper
    on_counts: Callable[[Counts, bytes], None]

    def run(self, roots: list[FolderTask]) -> None:
        """Until all roots have their trees and every blob is in a pack that is on its way."""
        waiting = _Waiting(roots)
        while not self.assembly.is_done:
            self._hand_out(waiting)
            for worker, results in self.pool.receive(_PATIENCE):
                self._take(worker, results, waiting)
            self._collect()
        self._dismiss_all(waiting)

    def finish(self) -> None:
        """Make everything durable and named; after this a snapshot may point to it."""
        self.trees.flush()
        self.rests.flush()
        for pack in self.uploads.finished(wait=True):
            self.index.add(pack)
        self.index.save()

    def _hand_out(self, waiting: "_Waiting") -> None:
        for worker in self.pool.idle():
            batch = waiting.next_batch(len(self.pool))
            if not batch:
                return
            self.pool.send(worker, batch)

    def _take(self, worker: Worker, results: list[Result], waiting: "_Waiting") -> None:
        if not isinstance(results[0], PackReady | WorkerDone | WorkerFailed):
            worker.ahead -= 1
        for result in results:
            waiting.add(self._answered(worker, result))

    def _answered(self, worker: Worker, result: Result) -> list[Task]:
        match result:
            case FolderDone():
                self._count(result.counts, result.number)
                return self.assembly.folder_done(result)
            case FolderSame():
                self._count(Counts(unmodified=result.files, size=result.size), result.number)
                return self.assembly.folder_same(result)
            case PartDone():
                self._count(result.counts, 0)
                return self.assembly.part_done(result)
            case SegmentDone():
                self._count(result.counts, 0)
                return self.assembly.segment_done(result)
            case PackReady():
                self._pack(result)
            case WorkerFailed():
                died = WorkerDied(reason=result.reason)
                died.add_note(result.trace)
                raise died
            case WorkerDone():
                self.pool.dismiss(worker)
        return []

    def _count(self, counts: Counts, number: int) -> None:
        self.on_counts(counts, self.assembly.path_of(number))

    def _pack(self, pack: PackReady) -> None:
        view = self.pool.slots.slots[pack.slot].view
        if not pack.spans:
            entries = Entries(pack.entries, pack.blobs)
            release = partial(self.pool.slots.release, pack.slot)
            self.uploads.start(view[: pack.size], entries, release)
            return
        # What is left of the workers goes together: many small packs make a slow vault.
        for blob, _kind, offset, length, plain_length in pack.spans:
            # Workers make no trees.
            span = Span(BlobId(blob), Kind.DATA, offset, length, plain_length)
            self.rests.open.add_sealed(span, view[offset : offset + length])
            self.rests.store_if_full()

    def _collect(self) -> None:
        for pack in self.uploads.finished():
            self.index.add(pack)

    def _dismiss_all(self, waiting: "_Waiting") -> None:
        for worker in list(self.pool.idle()):
            self.pool.send(worker, [])
        while len(self.pool):
            for worker, results in self.pool.receive(_PATIENCE):
                self._take(worker, results, waiting)
            self._collect()


class _Waiting:
    """Tasks not handed out yet: pieces of big things first, folders depth first."""

    def __init__(self, roots: list[FolderTask]) -> None:
        self._folders: list[FolderTask] = list(reversed(roots))
        self._pieces: deque[Task] = deque()

    def add(self, tasks: list[Task]) -> None:
        for task in reversed(tasks):
            if isinstance(task, FolderTask):
                self._folders.append(task)
            else:
                self._pieces.append(task)

    def next_batch(self, workers: int) -> list[Task]:
        if self._pieces:
            return [self._pieces.pop()]
        # Few folders are shared out one by one, so that no worker stands idle.
        most = max(1, len(self._folders) // (2 * workers))
        batch: list[Task] = []
        room = float(_BATCH_BYTES)
        while self._folders and len(batch) < most and room > 0:
            task = self._folders.pop()
            paths = len(task.logical) + len(task.physical) + sum(map(len, task.rules))
            share = _BATCH_NEW if task.record == NO_RECORD else _BATCH_KNOWN
            room -= max(paths, _BATCH_BYTES / share)
            batch.append(task)
        return batch
