"""Read packs and prove every blob in them, with all the cores there are."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, PackId, TreeId
from holdfast.base.units import MIB
from holdfast.vault import check_findings as sorts
from holdfast.vault.blob_runs import longest_run, runs_of
from holdfast.vault.check_findings import Finding
from holdfast.vault.check_pack import (
    PIECE,
    OnTree,
    PackVerdict,
    Piece,
    broken_blobs,
    pieces_of,
    read_pieces,
    verify_pack,
)
from holdfast.vault.forking import ahead, forked
from holdfast.vault.index_packs import PackRows
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Span
from holdfast.vault.sealed_files import SealedFiles

# Called with the bytes read and those there are to read.
OnBytes = Callable[[int, int], None]
# Folder listings nothing is wrong with, and the ids of those right below each, one after another.
SoundTrees = dict[TreeId, bytes]
# The ids below a listing, or None when something is wrong with it.
JudgeTree = Callable[[TreeId, bytes | memoryview], bytes | None]

# A storage that is far away is asked for most packs whole.
_FAR = 32 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A pack to be read: all of it, or only the folder listings in it."""

    pack: PackId
    size: int
    is_whole: bool = True
    has_trees: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    task: Task
    verdict: PackVerdict
    # What the first of two tries saw, where the second was good.
    first: PackVerdict | None = None
    sound: SoundTrees


@dataclass(slots=True, kw_only=True)
class DataCheck:
    """`good` and `bad` are the packs that were read whole."""

    findings: list[Finding] = field(default_factory=list)
    good: list[PackId] = field(default_factory=list)
    bad: list[PackId] = field(default_factory=list)
    bytes_read: int = 0
    sound: SoundTrees = field(default_factory=dict)

    def add(self, outcome: _Outcome) -> None:
        self.sound.update(outcome.sound)
        if outcome.task.is_whole:
            self.bytes_read += outcome.task.size
            (self.good if outcome.verdict.is_good else self.bad).append(outcome.task.pack)
            self.findings += _findings(outcome)


def check_data(
    reader: "PackReader",
    tasks: Iterable[Task],
    *,
    into: DataCheck,
    workers: int,
    on_bytes: OnBytes,
) -> None:
    """Read these packs once; a bad one once more."""
    # The longest first, so that the processes end together: listings take more than their reading.
    in_order = sorted(tasks, key=lambda task: (task.has_trees, task.size), reverse=True)
    total = into.bytes_read + sum(task.size for task in in_order if task.is_whole)

    def work(mine: Iterator[Task]) -> Iterator[_Outcome]:
        return reader.outcomes(mine, parallel=-(-reader.files.storage.parallel // workers))

    on_bytes(into.bytes_read, total)
    for outcome in forked(in_order, work, workers=workers):
        into.add(outcome)
        on_bytes(into.bytes_read, total)


class _Reading(NamedTuple):
    """One request of a task; all of a task follow each other."""

    task: Task
    spans: Sequence[Span]
    piece: Piece


class PackReader:
    """Proves packs, and looks at the folder listings in them on the way."""

    def __init__(self, files: SealedFiles, rows: PackRows, judge: JudgeTree) -> None:
        self.files = files
        self._rows = rows
        self._judge = judge
        self._longest_run = longest_run(files.storage)
        self._limit = _FAR if self._longest_run > PIECE else PIECE

    def outcomes(self, tasks: Iterable[Task], *, parallel: int) -> Iterator[_Outcome]:
        """Read ahead by so many requests, over the ends of packs."""
        loading = ahead(self._readings(tasks), self._content, parallel=parallel)
        for (task, spans), readings in groupby(loading, key=lambda pair: pair[0][:2]):
            pieces = ((reading.piece, content.result()) for reading, content in readings)
            yield self._outcome(task, spans, pieces)

    def _readings(self, tasks: Iterable[Task]) -> Iterator[_Reading]:
        for task in tasks:
            spans = self._rows.spans(self._rows.numbers[task.pack])
            for piece in self._pieces(task, spans):
                yield _Reading(task, spans, piece)

    def _pieces(self, task: Task, spans: Sequence[Span]) -> Iterator[Piece]:
        if task.is_whole:
            yield from pieces_of(spans, task.size, limit=self._limit)
            return
        listings = ((task.pack, span) for span in spans if span.kind)
        for run in runs_of(listings, longest=self._longest_run):
            yield Piece(run.start, run.start + run.length, run.spans)

    def _content(self, reading: _Reading) -> bytes:
        piece = reading.piece
        path = pack_path(reading.task.pack)
        return self.files.storage.read(path, piece.start, piece.end - piece.start)

    def _outcome(
        self, task: Task, spans: Sequence[Span], pieces: Iterator[tuple[Piece, bytes]]
    ) -> _Outcome:
        sound: SoundTrees = {}

        def on_tree(tree: TreeId, content: bytes | memoryview) -> None:
            below = self._judge(tree, content)
            if below is not None:
                sound[tree] = below

        if not task.is_whole:
            self._look_at_trees(pieces, on_tree)
            return _Outcome(task=task, verdict=PackVerdict(), sound=sound)
        verdict = verify_pack(self.files.sealer, task.pack, spans, pieces, on_tree=on_tree)
        if verdict.is_good:
            return _Outcome(task=task, verdict=verdict, sound=sound)
        # Memory and wires fail too: only what is wrong twice is damage.
        anew = read_pieces(self.files.storage, task.pack, self._pieces(task, spans))
        again = verify_pack(self.files.sealer, task.pack, spans, anew, on_tree=on_tree)
        first = verdict if again.is_good else None
        return _Outcome(task=task, verdict=again, first=first, sound=sound)

    def _look_at_trees(self, pieces: Iterator[tuple[Piece, bytes]], on_tree: OnTree) -> None:
        """What is not sound here is found so when the listings are walked."""
        with contextlib.suppress(HoldfastError):
            for piece, content in pieces:
                for _broken in broken_blobs(self.files.sealer, piece, content, on_tree):
                    pass


def _findings(outcome: _Outcome) -> Iterator[Finding]:
    name = outcome.task.pack.hex()
    if outcome.first is not None:
        fields = {"name": name, "reason": _reason(outcome.first)}
        yield Finding(sort=sorts.PACK_UNSTEADY, fields=fields, file=FileId(name))
    found = outcome.verdict
    if found.is_good:
        return
    for sort, is_so, reason in (
        (sorts.PACK_UNREADABLE, found.unreadable is not None, found.unreadable),
        (sorts.BLOBS_DAMAGED, bool(found.broken) and found.unreadable is None, None),
        (sorts.PACK_HEADER, found.header is not None, found.header),
        (sorts.PACK_DIFFERS, found.differs, None),
        (sorts.PACK_CONTENT, found == PackVerdict(is_named_wrongly=True), None),
    ):
        if is_so:
            yield Finding(
                sort=sort,
                fields={"name": name, "reason": reason, "blobs": len(found.broken)},
                pack=outcome.task.pack,
                blobs=found.broken,
            )


def _reason(verdict: PackVerdict) -> str:
    """For experts, and in English: which of the proofs failed."""
    failed = verdict.unreadable or verdict.header
    return str(failed) if failed else f"{len(verdict.broken)} broken blobs"
