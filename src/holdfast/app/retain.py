"""Apply a retention policy: forget the points that no rule holds. Their data stays until a prune."""

from collections.abc import Callable
from datetime import timedelta

from holdfast.app.locking import held
from holdfast.app.points import PointFilter, matches
from holdfast.vault.lock_file import Lock
from holdfast.vault.policy.retention import Policy, RetentionPlan, plan_retention
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

Plan = RetentionPlan[Snapshot]


def _wait_silently(_: Lock) -> None:
    """Tell nobody."""


def retain(
    repository: Repository,
    policy: Policy,
    *,
    only: PointFilter | None = None,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    waiting: Callable[[Lock], None] = _wait_silently,
) -> Plan:
    """Decide on every point and, but for a dry run, forget those that nothing holds.

    With `only`, the others are as if they were not there: they are neither counted nor forgotten.

    A shared lock is enough: a backup that goes on meanwhile needs no other point.
    """
    with held(repository, wait=wait, waiting=waiting) as lock:
        wanted = only or PointFilter()
        points = [point for point in repository.snapshots() if matches(point, wanted)]
        plan = plan_retention(points, policy, now=repository.clock.now())
        if not dry_run:
            for point in plan.remove:
                lock.check()
                repository.delete_snapshot(point.id)
    return plan
