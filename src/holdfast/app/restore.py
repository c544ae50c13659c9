"""The use case "restore": a point, or the part of it after a colon, to a folder."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from holdfast.app import locking
from holdfast.base.errors import Exit
from holdfast.files.options import RestoreOptions
from holdfast.files.report import OnProgress, Progress, RestoreReport, SkipReason, no_progress
from holdfast.files.restore.errors import SubpathMissing
from holdfast.files.restore.restore import restore as restore_files
from holdfast.vault.held_lock import HeldLock
from holdfast.vault.repository import Repository

# The first progress comes at once, the next when a lock has settled.
_CERTAIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """`point` as a person types it: "latest", "3f2a", "latest:/etc/nginx".

    `lock` False is for vaults we may only read, where nobody prunes.
    """

    point: str
    options: RestoreOptions
    lock: bool = True


def restore(
    repository: Repository, request: RestoreRequest, *, on_progress: OnProgress = no_progress
) -> RestoreReport:
    """Restore under a shared lock: backups go on beside it, only a prune waits."""
    point, subpath = split_point(request.point)
    options = (
        msgspec.structs.replace(request.options, subpath=subpath) if subpath else request.options
    )
    with contextlib.ExitStack() as stack:
        if request.lock:
            lock = stack.enter_context(locking.held(repository, settle_later=True))
            on_progress = stack.enter_context(_looked_at_again(lock, on_progress))
        snapshot = repository.find_snapshot(point)
        report = restore_files(repository, snapshot, options, on_progress=on_progress)
    if options.include and not _has_met(report):
        # Nobody asks for a part to be told that none came back is fine.
        wanted = ", ".join(options.include)
        raise SubpathMissing(point=snapshot.id[:8], path=wanted)
    return report


def _has_met(report: RestoreReport) -> bool:
    return bool(report.files or report.folders or report.others or report.problems)


@contextlib.contextmanager
def _looked_at_again(lock: HeldLock, on_progress: OnProgress) -> Iterator[OnProgress]:
    """Progress that takes the second look at the lock, once, as soon as that means no waiting.

    A restore changes nothing in the vault. It must only not go on for hours beside a prune.
    """
    told = 0

    def tell(progress: Progress) -> None:
        nonlocal told
        told += 1
        if told == _CERTAIN:
            lock.check()
        on_progress(progress)

    yield tell
    if told < _CERTAIN:
        lock.check()


def split_point(text: str) -> tuple[str, bytes]:
    """The point, and the path in it, which may be empty."""
    point, _, path = text.partition(":")
    return point, os.fsencode(path)


def exit_status(report: RestoreReport) -> int:
    """Damage where content is lost or wrong, warnings where anything else is not as it was."""
    if any(problem.reason is SkipReason.DAMAGED for problem in report.problems):
        return Exit.DAMAGE
    return Exit.WARNINGS if report.problems else Exit.FINE
