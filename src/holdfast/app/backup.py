"""The use case "back up": scratch, lock, hooks, pipeline, and the list of what was left out."""

import contextlib
import os
from collections.abc import Callable, Iterator

import msgspec

from holdfast.app import locking
from holdfast.app.job_records import Outcome, recorded
from holdfast.app.locking import Patience
from holdfast.app.opening import open_vault
from holdfast.app.scratch import require_scratch
from holdfast.app.scratch_place import scratch_folder
from holdfast.app.setup_errors import HookFailed, HookTooSlow
from holdfast.app.skipped_lists import write_skipped
from holdfast.app.wiring import Session
from holdfast.base.ids import FileId, SnapshotId
from holdfast.base.texts import _
from holdfast.files.backup.job import BackupJob
from holdfast.files.backup.job import back_up as back_up_files
from holdfast.files.options import BackupOptions
from holdfast.files.report import BackupReport, OnProgress
from holdfast.files.views.place import FOLDER
from holdfast.files.views.view import View, consistent_view
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot, Summary, parse_moment


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Commands of the user around a backup, for example to freeze a database."""

    before: str | None = None
    after: str | None = None
    timeout: float = 600


class BackupDone(msgspec.Struct, frozen=True, kw_only=True):
    report: BackupReport
    # Where the items left out are listed, if there are any.
    skipped_list: str | None = None
    dry_run: bool = False


def back_up(
    session: Session,
    options: BackupOptions,
    *,
    hooks: Hooks,
    on_progress: OnProgress,
    dry_run: bool = False,
    patience: Patience | None = None,
) -> BackupDone:
    """Make a recovery point of what the options name, and note how it went."""
    noted = contextlib.nullcontext(Outcome()) if dry_run else recorded(session, "backup")
    with noted as outcome:
        done = _back_up(
            session,
            options,
            hooks=hooks,
            on_progress=on_progress,
            dry_run=dry_run,
            patience=patience,
        )
        outcome.skipped = len(done.report.skipped)
    return done


def _back_up(
    session: Session,
    options: BackupOptions,
    *,
    hooks: Hooks,
    on_progress: OnProgress,
    dry_run: bool,
    patience: Patience | None,
) -> BackupDone:
    repository = open_vault(session, dry=dry_run)
    home = session.settings.home
    scratch = require_scratch(home, repository.id)
    held = _nothing_held() if dry_run else _held(repository, patience or Patience())
    with held as still_ours:
        made = _made_before(repository, options.once) if options.once else None
        if made is not None:
            return BackupDone(report=_report_of(made), dry_run=dry_run)
        with _between(hooks, session), _viewed(options, session) as seen:
            job = BackupJob(
                repository=repository,
                options=_without_own(options, home),
                on_progress=on_progress,
                still_ours=still_ours,
                read_at=seen.read_at,
                devices=seen.devices,
            )
            report = back_up_files(job)
    written = write_skipped(scratch, report) if report.skipped and not dry_run else None
    return BackupDone(report=report, skipped_list=written, dry_run=dry_run)


def _made_before(repository: Repository, mark: str) -> Snapshot | None:
    """The point of a run that was stopped between making it and saying so."""
    return next((one for one in repository.snapshots() if mark in one.tags), None)


def _report_of(made: Snapshot) -> BackupReport:
    """What that run would have said, as far as the point itself knows."""
    stored = made.stored
    counted = stored.summary or Summary(backup_start=stored.time, backup_end=stored.time)
    begun, ended = parse_moment(counted.backup_start), parse_moment(counted.backup_end)
    return BackupReport(
        snapshot=made.id,
        parent=SnapshotId(FileId(stored.parent)) if stored.parent else None,
        summary=counted,
        seconds=(ended - begun).total_seconds(),
        warnings=(_("The point had been made already, by a run that was stopped."),),
    )


@contextlib.contextmanager
def _held(repository: Repository, patience: Patience) -> Iterator[Callable[[], None]]:
    wait, waiting = patience.wait, patience.waiting
    # Reading may begin before the lock is certain: nothing is named in the vault before a check.
    with locking.held(repository, wait=wait, waiting=waiting, settle_later=not wait) as lock:
        yield lock.check


@contextlib.contextmanager
def _nothing_held() -> Iterator[Callable[[], None]]:
    yield _always_ours


def _always_ours() -> None:
    """Nothing is written, so nothing can be lost with the lock."""


def _viewed(options: BackupOptions, session: Session) -> contextlib.AbstractContextManager[View]:
    if not options.view:
        return contextlib.nullcontext(View())
    return consistent_view(
        options.paths, session.warn, one_file_system=options.excludes.one_file_system
    )


def _without_own(options: BackupOptions, home: str) -> BackupOptions:
    """Our own caches and snapshots change while we read and are worth nothing elsewhere."""
    scratch = os.fsencode(os.path.realpath(scratch_folder(home)))
    excludes = msgspec.structs.replace(
        options.excludes, left_out=frozenset({scratch}), left_out_names=frozenset({FOLDER})
    )
    return msgspec.structs.replace(options, excludes=excludes)


@contextlib.contextmanager
def _between(hooks: Hooks, session: Session) -> Iterator[None]:
    """Run the user's commands around the work; the second one whatever happens."""
    environment = session.settings.harmless
    if hooks.before:
        from holdfast.app import processes

        processes.run_hook(
            hooks.before,
            environment={**environment, "HOLDFAST_HOOK": "before"},
            timeout=hooks.timeout,
        )
    try:
        yield
    finally:
        if hooks.after:
            _run_after(hooks.after, hooks.timeout, session)


def _run_after(command: str, timeout: float, session: Session) -> None:
    from holdfast.app import processes

    # The point is made or not by now: a failing clean-up must not hide which.
    try:
        processes.run_hook(
            command,
            environment={**session.settings.harmless, "HOLDFAST_HOOK": "after"},
            timeout=timeout,
        )
    except (HookFailed, HookTooSlow) as err:
        session.warn(str(err))
