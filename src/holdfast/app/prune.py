"""Prune a vault: look and copy beside others, delete alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from holdfast.app.locking import held
from holdfast.machines.verdicts import forget_verdicts
from holdfast.storage.directory import DirectoryStorage
from holdfast.vault.lock_file import Lock
from holdfast.vault.policy.prune import PruneLimits
from holdfast.vault.prune import Prune, PrunePlan, Report, Stage
from holdfast.vault.repository import Repository

_WRITERS_ARE_DEAD_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneResult:
    plan: PrunePlan
    # Packs removed in the end; 0 in a dry run.
    deleted: int
    # Packs not needed that an immutable vault keeps until they are older.
    too_young: int = 0


def _silent(_: Stage, _done: int, _total: int) -> None:
    """Tell nobody."""


def _wait_silently(_: Lock) -> None:
    """Tell nobody."""


def prune(
    repository: Repository,
    *,
    limits: PruneLimits | None = None,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    waiting: Callable[[Lock], None] = _wait_silently,
    report: Report = _silent,
) -> PruneResult:
    """Free what no recovery point needs.

    VaultLocked after the copying means that nothing is lost and nothing was deleted: the next
    run goes on from there.
    """
    # Both times the work begins with looking, while a lock becomes certain; but who is willing to
    # wait for others shall not fail because one of them came in that moment.
    later = not wait
    with held(repository, wait=wait, waiting=waiting, settle_later=later) as shared:
        work = Prune(repository, limits=limits, report=report)
        plan = work.plan()
        shared.check()
        if not dry_run:
            _sweep(repository)
            forget_verdicts(repository)
        if dry_run or plan.is_empty:
            return PruneResult(plan=plan, deleted=0)
        work.copy(shared.check)
        with held(
            repository,
            exclusive=True,
            wait=wait,
            waiting=waiting,
            beside=shared,
            settle_later=later,
        ) as alone:
            deleted = work.finish(alone.check)
            return PruneResult(plan=plan, deleted=deleted, too_young=work.too_young)


def _sweep(repository: Repository) -> None:
    """Remove the halves of files that killed writers left; nobody writes one file for a day."""
    if isinstance(repository.storage, DirectoryStorage):
        repository.storage.sweep(before=repository.clock.now() - _WRITERS_ARE_DEAD_AFTER)
