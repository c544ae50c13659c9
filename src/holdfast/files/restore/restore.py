"""Restore a recovery point, or a part of it, to a folder."""

import errno
from typing import NamedTuple

from holdfast.base.ids import TreeId
from holdfast.base.texts import ngettext
from holdfast.files.options import RestoreOptions
from holdfast.files.report import (
    OnProgress,
    Phase,
    Progress,
    RestoreReport,
    Skipped,
    SkipReason,
)
from holdfast.files.restore.crew import Crew
from holdfast.files.restore.errors import SubpathMissing
from holdfast.files.restore.journey import Journey
from holdfast.files.restore.messages import FolderTask
from holdfast.files.restore.policy import Choice, Protected, Selection, joined
from holdfast.files.restore.sizes import Sizes, Sizing
from holdfast.files.restore.target import MISSING, has_room, opened_target, require_room
from holdfast.files.restore.worker import Worker
from holdfast.vault.blob_ranges import Blobs
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

_BEAT = 0.2


class _Start(NamedTuple):
    """Where in the point a restore begins; `only` names a single item of that folder."""

    tree: TreeId
    prefix: bytes
    only: bytes | None = None


def restore(
    repository: Repository,
    snapshot: Snapshot,
    options: RestoreOptions,
    *,
    on_progress: OnProgress,
) -> RestoreReport:
    """Bring the point's items below the target; what could not be as it was is in the report.

    Running it again after any interruption finishes it: what is right already is compared by
    content and not written again.
    """
    clock = repository.clock
    began = clock.monotonic()
    selection = Selection(options.include, options.exclude)
    start = _find_start(repository, snapshot, options.subpath)
    sizes = _sizes(repository, snapshot, start, selection)
    report = RestoreReport()
    with opened_target(options.target, clock=clock, dry_run=options.dry_run) as target:
        if not options.dry_run and not has_room(target, sizes.room):
            # The backup's own count knows nothing of holes and hard links; the trees do.
            exact = _walked_sizes(repository, start, selection)
            require_room(target, options.target, exact.room)

        def hire_worker() -> Worker:
            return Worker(
                repository,
                options,
                root=target,
                prefix=start.prefix,
                selection=selection,
                protected=Protected(snapshot.paths),
            )

        # Once, before the workers are forked: they share it.
        repository.load_index()
        with Crew(options.workers, lambda: hire_worker().do) as crew:
            beat = _Heart(repository, report, sizes, on_progress)
            journey = Journey(crew, options, report, beat=beat.beat)
            journey.restore(_root_task(start, selection, fresh=target == MISSING))
            if options.verify and not options.dry_run:
                beat.phase = Phase.VERIFY
                journey.verify(wrong=_below_target(report.problems, start.prefix))
    if journey.owners_refused:
        report.problems.append(_owners_refused(start.prefix, journey.owners_refused))
    report.seconds = clock.monotonic() - began
    beat.beat(b"", at_once=True)
    return report


class _Heart:
    """Tells the progress a few times a second."""

    def __init__(
        self,
        repository: Repository,
        report: RestoreReport,
        sizes: Sizes,
        on_progress: OnProgress,
    ) -> None:
        self._clock = repository.clock
        self._report = report
        self._sizes = sizes
        self._on_progress = on_progress
        self._next = 0.0
        self.phase = Phase.RESTORE

    def beat(self, current: bytes, *, at_once: bool = False) -> None:
        now = self._clock.monotonic()
        if now < self._next and not at_once:
            return
        self._next = now + _BEAT
        report, verifies = self._report, self.phase is Phase.VERIFY
        self._on_progress(
            Progress(
                phase=self.phase,
                files_done=report.files,
                files_total=self._sizes.files,
                bytes_done=report.bytes_verified if verifies else report.bytes_total,
                bytes_total=self._sizes.bytes,
                current=current.decode(errors="backslashreplace"),
                warnings=len(report.problems),
            )
        )


def _find_start(repository: Repository, snapshot: Snapshot, subpath: bytes) -> _Start:
    tree, prefix = snapshot.tree, b""
    names = [name for name in subpath.split(b"/") if name]
    for depth, name in enumerate(names):
        found = [node for node in repository.load_tree(tree) if node.raw_name == name]
        if found and found[0].type == "dir":
            tree, prefix = found[0].subtree_id, joined(prefix, name)
        elif found and depth == len(names) - 1:
            return _Start(tree, prefix, name)
        else:
            shown = subpath.decode(errors="backslashreplace")
            raise SubpathMissing(point=snapshot.id[:8], path=shown)
    return _Start(tree, prefix)


def _sizes(
    repository: Repository, snapshot: Snapshot, start: _Start, selection: Selection
) -> Sizes:
    """What the backup counted where it is the same, else what the trees say."""
    summary = snapshot.stored.summary
    if summary is None or not selection.everything or start.prefix or start.only:
        return _walked_sizes(repository, start, selection)
    total = summary.total_bytes_processed
    return Sizes(summary.total_files_processed, total, total)


def _walked_sizes(repository: Repository, start: _Start, selection: Selection) -> Sizes:
    return Sizing(Blobs(repository), selection).of(start.tree, start.prefix, only=start.only)


def _root_task(start: _Start, selection: Selection, *, fresh: bool) -> FolderTask:
    choice = Choice.YES
    if start.prefix or not selection.everything:
        choice = selection.choose(start.prefix, is_folder=True)
    wanted = choice is Choice.YES
    return FolderTask(b"", start.tree, fresh=fresh, wanted=wanted, only=start.only)


def _below_target(problems: list[Skipped], prefix: bytes) -> list[bytes]:
    """The paths of problems as seen from the target."""
    skip = len(prefix) + 2 if prefix else 1
    return [problem.path[skip:] for problem in problems]


def _owners_refused(prefix: bytes, count: int) -> Skipped:
    sentence = ngettext(
        "the owner of {count} item could not be set: only root can do that",
        "the owners of {count} items could not be set: only root can do that",
        count,
    )
    return Skipped(
        path=b"/" + prefix,
        errno=errno.EPERM,
        reason=SkipReason.DENIED,
        detail=sentence.format(count=count),
    )
