"""The use case "check": prove a vault under a lock, and tell how it goes."""

import contextlib

from holdfast.app import locking
from holdfast.app.job_records import recorded
from holdfast.app.opening import open_vault
from holdfast.app.wiring import Session
from holdfast.files.report import OnProgress, Phase, Progress, no_progress
from holdfast.storage.errors import StorageDenied
from holdfast.vault.check import CheckOptions
from holdfast.vault.check import check as check_repository
from holdfast.vault.check_data import OnBytes
from holdfast.vault.check_findings import CheckReport
from holdfast.vault.check_subset import parse_subset
from holdfast.vault.held_lock import HeldLock
from holdfast.vault.repository import Repository
from holdfast.vault.upkeep_errors import LockRefused


def check(
    session: Session,
    *,
    read_data: str | None = None,
    lock: bool = True,
    on_progress: OnProgress = no_progress,
) -> CheckReport:
    """`read_data` is None for structure alone, else "", "10%", "1/7" or a size.

    Without a lock nothing is written to the vault, but a prune meanwhile looks like damage.
    """
    with recorded(session, "check") as outcome:
        report = _check(session, read_data, lock=lock, on_progress=on_progress)
        outcome.is_damaged = report.is_damaged
    return report


def _check(
    session: Session, read_data: str | None, *, lock: bool, on_progress: OnProgress
) -> CheckReport:
    read = None if read_data is None else parse_subset(read_data)
    options = CheckOptions(read=read, note=lock)
    repository = open_vault(session)
    on_bytes = told(on_progress)
    if not lock:
        return check_repository(repository, options, on_bytes=on_bytes)
    with contextlib.ExitStack() as stack:
        held = locked(repository, stack)
        report = check_repository(repository, options, on_bytes=on_bytes)
        # Whoever was alone in the vault meanwhile may have taken away what we missed.
        held.check()
        return report


def locked(repository: Repository, stack: contextlib.ExitStack) -> HeldLock:
    """A shared lock: backups may go on, only a prune must not take packs away meanwhile."""
    try:
        return stack.enter_context(locking.held(repository, settle_later=True))
    except StorageDenied as err:
        raise LockRefused(place=repository.storage.place, reason=err.fields["reason"]) from err


def told(on_progress: OnProgress) -> OnBytes:
    """Pass bytes on as progress of a check."""

    def on_bytes(done: int, total: int) -> None:
        on_progress(Progress(phase=Phase.CHECK, bytes_done=done, bytes_total=total))

    return on_bytes
