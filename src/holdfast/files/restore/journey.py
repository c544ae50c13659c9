"""The parent's side of a restore: what is to be done next, and what has been learnt.

Stages: the trees with all files, further names of hard links, the attributes of folders from the
deepest up, and if wanted the comparison. Long files and the first names of hard links join the
first stage as they are found.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from holdfast.files.options import Overwrite, RestoreOptions
from holdfast.files.report import RestoreReport
from holdfast.files.restore.crew import Crew
from holdfast.files.restore.messages import (
    Batch,
    EntryTask,
    FileEnd,
    FolderEnd,
    FolderTask,
    FoundFolder,
    Kind,
    LinkedEntry,
    LinkTask,
    LongFile,
    Outcome,
    VerifyTask,
)
from holdfast.files.restore.policy import joined

# What is taken first of what waits: long work early, so that nobody waits for it at the end.
_ORDER = (
    Kind.SEGMENTS,
    Kind.FILE_ENDS,
    Kind.ENTRIES,
    Kind.FOLDERS,
    Kind.LINKS,
    Kind.FOLDER_ENDS,
    Kind.VERIFY,
    Kind.VERIFY_FOLDERS,
)
_MOST = {Kind.SEGMENTS: 1, Kind.FOLDERS: 16, Kind.VERIFY: 16}
_MOST_OTHERS = 256
_BEAT = 0.2


class _Filling:
    """A long file that is being filled."""

    __slots__ = ("file", "left", "whole", "written")

    def __init__(self, file: LongFile) -> None:
        self.file = file
        self.left = len(file.segments)
        self.written = 0
        self.whole = True


class Journey:
    def __init__(
        self,
        crew: Crew,
        options: RestoreOptions,
        report: RestoreReport,
        *,
        beat: Callable[[bytes], None],
    ) -> None:
        """`beat` is called a few times a second with the folder worked on."""
        self._crew = crew
        self._options = options
        self._report = report
        self._beat = beat
        self._waiting: dict[Kind, list[Any]] = {kind: [] for kind in _ORDER}
        self._tasks: list[FolderTask] = []
        # Where the first part of a listing ends that was cut.
        self._cuts: dict[bytes, int] = {}
        self._folders: list[FoundFolder] = []
        self._made: set[bytes] = set()
        self._kept: set[bytes] = set()
        self._filling: dict[tuple[bytes, bytes], _Filling] = {}
        self._first_names: dict[tuple[int, int], EntryTask] = {}
        self._links: list[LinkTask] = []
        self.owners_refused = 0

    def restore(self, root: FolderTask) -> None:
        self._add_folders([root])
        self._drain()
        self._part_links_of_kept()
        self._drain()
        self._waiting[Kind.LINKS] += self._links
        self._drain()
        for ends in self._folder_ends_by_depth():
            if not self._options.dry_run:
                self._waiting[Kind.FOLDER_ENDS] += ends
                self._drain()
            self._report.folders += len(ends)

    def verify(self, *, wrong: Iterable[bytes]) -> None:
        """Compare all but what was kept on purpose or is reported already."""
        left_out: dict[bytes, set[bytes]] = defaultdict(set)
        for path in self._kept.union(wrong):
            folder, _, name = path.rpartition(b"/")
            left_out[folder].add(name)
        self._waiting[Kind.VERIFY] += [
            VerifyTask(self._own_part(task), frozenset(left_out.get(task.path, ())))
            for task in self._tasks
        ]
        wrong_ones = frozenset(wrong)
        self._waiting[Kind.VERIFY_FOLDERS] += [
            end
            for ends in self._folder_ends_by_depth()
            for end in ends
            if end.path not in wrong_ones
        ]
        self._drain()

    def _own_part(self, task: FolderTask) -> FolderTask:
        """The task without what was handed on to others."""
        return task if task.first else task._replace(last=self._cuts.get(task.path))

    def _part_links_of_kept(self) -> None:
        """What kept its old content under one name must not spread under the others."""
        links, self._links = self._links, []
        for link in links:
            if joined(link.folder, link.name) in self._kept:
                self._waiting[Kind.ENTRIES].append(link.entry)
            else:
                self._links.append(link)

    def _folder_ends_by_depth(self) -> list[list[FolderEnd]]:
        """The folders whose attributes are to be the point's, deepest first."""
        replaces = self._options.overwrite in (Overwrite.CHANGED, Overwrite.ALWAYS)
        levels: dict[int, list[FolderEnd]] = defaultdict(list)
        for task, node in self._folders:
            if task.path in self._made or (task.wanted and (replaces or task.fresh)):
                levels[task.path.count(b"/")].append(FolderEnd(task.path, node))
        return [levels[depth] for depth in sorted(levels, reverse=True)]

    def _drain(self) -> None:
        """Work until nothing waits and nobody works."""
        current = b""
        while True:
            while self._crew.is_idle and (batch := self._next()) is not None:
                self._crew.give(batch)
            if not self._crew.busy:
                return
            for outcome in self._crew.outcomes(_BEAT):
                self._learn(outcome)
                current = outcome.current or current
            self._beat(current)

    def _next(self) -> Batch | None:
        for kind in _ORDER:
            waiting = self._waiting[kind]
            if waiting:
                share = -(-len(waiting) // self._crew.size)
                count = min(share, _MOST.get(kind, _MOST_OTHERS))
                taken = waiting[-count:]
                del waiting[-count:]
                return Batch(kind, taken)
        return None

    def _learn(self, outcome: Outcome) -> None:
        self._count(outcome)
        self._made.update(outcome.made)
        self._kept.update(outcome.kept)
        self._folders += outcome.folders
        self._add_folders([found.task for found in outcome.folders])
        self._add_folders(outcome.rest)
        for part in outcome.rest:
            self._cuts.setdefault(part.path, part.first)
        for file in outcome.long_files:
            self._filling[file.entry.folder, file.entry.name] = _Filling(file)
            self._waiting[Kind.SEGMENTS] += reversed(file.segments)
        for key, written in outcome.segments:
            self._learn_segment(key, written)
        for linked in outcome.linked:
            self._learn_name(linked)

    def _count(self, outcome: Outcome) -> None:
        report = self._report
        report.files += outcome.files
        report.others += outcome.others
        report.files_unchanged += outcome.files_unchanged
        report.bytes_written += outcome.bytes_written
        report.bytes_total += outcome.bytes_total
        report.bytes_verified += outcome.bytes_verified
        report.deleted += outcome.deleted
        report.problems += outcome.problems
        self.owners_refused += outcome.owners_refused

    def _add_folders(self, tasks: list[FolderTask]) -> None:
        self._waiting[Kind.FOLDERS] += tasks
        if self._options.verify:
            self._tasks += tasks

    def _learn_segment(self, key: tuple[bytes, bytes], written: int | None) -> None:
        filling = self._filling[key]
        filling.left -= 1
        filling.written += written or 0
        filling.whole &= written is not None
        if filling.left:
            return
        del self._filling[key]
        # What is not whole keeps the time of now, so that it never looks finished.
        if filling.whole:
            unchanged = not filling.file.new and not filling.written
            self._waiting[Kind.FILE_ENDS].append(FileEnd(filling.file.entry, unchanged))

    def _learn_name(self, linked: LinkedEntry) -> None:
        first = self._first_names.setdefault(linked.inode, linked.entry)
        if first is linked.entry:
            self._waiting[Kind.ENTRIES].append(linked.entry)
        else:
            self._links.append(LinkTask(linked.entry, first.folder, first.name))
