"""Tag recovery points."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from holdfast.app.locking import held
from holdfast.base.ids import SnapshotId
from holdfast.vault.lock_file import Lock
from holdfast.vault.repository import Repository
from holdfast.vault.tags import TagChange, change_tags


def _wait_silently(_: Lock) -> None:
    """Tell nobody."""


def tag_points(
    repository: Repository,
    wanted: Sequence[str],
    change: TagChange,
    *,
    wait: timedelta = timedelta(0),
    waiting: Callable[[Lock], None] = _wait_silently,
) -> dict[SnapshotId, SnapshotId]:
    """Change the tags of the points named, or of all; old ids to new ones, where there are any."""
    changed: dict[SnapshotId, SnapshotId] = {}
    with held(repository, exclusive=True, wait=wait, waiting=waiting) as lock:
        known = repository.snapshots()
        points = {repository.find_snapshot(name).id for name in wanted}
        for point in known:
            if point.id in points or not wanted:
                lock.check()
                fresh = change_tags(repository, point, change, among=known)
                if fresh is not None:
                    changed[point.id] = fresh
    return changed
