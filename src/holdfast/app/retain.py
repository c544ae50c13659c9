"""Apply a retention policy: forget the points that no rule holds. Their data stays until a prune."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

from holdfast.app.locking import held
from holdfast.app.points import PointFilter, matches
from holdfast.base.ids import SnapshotId
from holdfast.storage.rest_errors import StillImmutable
from holdfast.vault.lock_file import Lock
from holdfast.vault.policy.retention import Hold, Policy, RetentionPlan, plan_retention
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

Plan = RetentionPlan[Snapshot]
IMMUTABLE = "immutable"


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

    A shared lock is enough: a backup that goes on meanwhile needs no other point. What the vault
    keeps because it is too young is held as "immutable" in the plan returned.
    """
    with held(repository, wait=wait, waiting=waiting) as lock:
        wanted = only or PointFilter()
        points = [point for point in repository.snapshots() if matches(point, wanted)]
        plan = plan_retention(points, policy, now=repository.clock.now())
        if not dry_run:
            young = _forget(repository, plan, lock.check)
            plan = _holding(plan, young) if young else plan
    return plan


def _forget(repository: Repository, plan: Plan, check: Callable[[], None]) -> set[SnapshotId]:
    """Forget the points that nothing holds; those that the vault keeps all the same."""
    young = set()
    for point in plan.remove:
        check()
        try:
            repository.delete_snapshot(point.id)
        except StillImmutable:
            young.add(point.id)
    return young


def _holding(plan: Plan, young: Collection[SnapshotId]) -> Plan:
    held_too = (Hold(rule=IMMUTABLE),)
    groups = [
        replace(
            group,
            verdicts=tuple(
                replace(one, holds=one.holds + held_too) if one.point.id in young else one
                for one in group.verdicts
            ),
        )
        for group in plan.groups
    ]
    return replace(plan, groups=tuple(groups))
