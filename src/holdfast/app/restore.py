"""The use case "restore": a point, or the part of it after a colon, to a folder."""

import contextlib
import os
from dataclasses import dataclass, replace

from holdfast.app import locking
from holdfast.base.errors import Exit
from holdfast.files.options import RestoreOptions
from holdfast.files.report import OnProgress, RestoreReport, SkipReason, no_progress
from holdfast.files.restore.restore import restore as restore_files
from holdfast.vault.repository import Repository


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
    options = replace(request.options, subpath=subpath) if subpath else request.options
    lock = locking.held(repository) if request.lock else contextlib.nullcontext()
    with lock:
        snapshot = repository.find_snapshot(point)
        return restore_files(repository, snapshot, options, on_progress=on_progress)


def split_point(text: str) -> tuple[str, bytes]:
    """The point, and the path in it, which may be empty."""
    point, _, path = text.partition(":")
    return point, os.fsencode(path)


def exit_status(report: RestoreReport) -> int:
    """Damage where content is lost or wrong, warnings where anything else is not as it was."""
    if any(problem.reason is SkipReason.DAMAGED for problem in report.problems):
        return Exit.DAMAGE
    return Exit.WARNINGS if report.problems else Exit.FINE
