"""One worker's life: take a batch, do it, say what came of it."""

import os
from collections.abc import Callable, Sequence

from holdfast.files.options import RestoreOptions
from holdfast.files.restore.attributes import Handle
from holdfast.files.restore.desk import Desk, Item
from holdfast.files.restore.messages import (
    Batch,
    EntryTask,
    FileEnd,
    FolderEnd,
    Kind,
    LinkTask,
    Outcome,
    Segment,
    unpack_node,
)
from holdfast.files.restore.policy import Protected, Selection
from holdfast.files.restore.verifying import Verifier
from holdfast.files.restore.walking import Walk
from holdfast.vault.blob_ranges import Blobs
from holdfast.vault.repository import Repository


class Worker:
    def __init__(
        self,
        repository: Repository,
        options: RestoreOptions,
        *,
        root: int,
        prefix: bytes,
        selection: Selection,
        protected: Protected,
    ) -> None:
        parallel = max(1, repository.storage.parallel // max(1, options.workers))
        blobs = Blobs(repository, parallel=parallel)
        self._desk = Desk(options=options, root=root, blobs=blobs, prefix=prefix)
        self._walk = Walk(self._desk, selection=selection, protected=protected)
        self._verifier = Verifier(self._desk, self._walk)
        self._doers: dict[Kind, Callable[..., None]] = {
            Kind.FOLDERS: self._walk.visit,
            Kind.ENTRIES: self._entries,
            Kind.SEGMENTS: self._segments,
            Kind.FILE_ENDS: self._file_ends,
            Kind.LINKS: self._links,
            Kind.FOLDER_ENDS: self._folder_ends,
            Kind.VERIFY: self._verifier.listings,
            Kind.VERIFY_FOLDERS: self._verifier.folders,
        }

    def do(self, batch: Batch) -> Outcome:
        outcome = self._desk.outcome = Outcome()
        self._doers[batch.kind](batch.items)
        return outcome

    def _entries(self, tasks: Sequence[EntryTask]) -> None:
        for task in tasks:
            self._walk.place(Item(task.folder, task.name, unpack_node(task.node)))
        self._walk.files.flush()

    def _segments(self, segments: Sequence[Segment]) -> None:
        for one in segments:
            written = self._walk.files.long.fill(one)
            self._desk.outcome.segments.append(((one.folder, one.name), written))

    def _file_ends(self, ends: Sequence[FileEnd]) -> None:
        for end in ends:
            task = end.entry
            item = Item(task.folder, task.name, unpack_node(task.node))
            self._walk.files.long.end(item, unchanged=end.unchanged)

    def _links(self, tasks: Sequence[LinkTask]) -> None:
        for task in tasks:
            if not self._walk.specials.link(task):
                entry = task.entry
                self._walk.place(Item(entry.folder, entry.name, unpack_node(entry.node)))
        self._walk.files.flush()

    def _folder_ends(self, ends: Sequence[FolderEnd]) -> None:
        desk = self._desk
        for path, packed in ends:
            try:
                fd = desk.folders.open(path).fd
                node = unpack_node(packed)
                troubles = desk.attributes.bring(Handle(fd), node, os.fstat(fd))
                desk.troubles(path, troubles)
            except (OSError, ValueError) as err:
                desk.failed(path, err)
