"""What is known of a point beside what is in it: whether a machine came up from it."""

from collections.abc import Callable

from holdfast.machines.point_writer import TAG
from holdfast.machines.verdicts import Verdict, newest_verdict
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot


def last_boot(
    repository: Repository, point: Snapshot, *, warn: Callable[[str], None]
) -> Verdict | None:
    """What the last `check --boot` of a virtual machine's point came to, on whatever host."""
    if TAG not in point.tags:
        return None
    return newest_verdict(repository.files, point, warn=warn)
