"""Whether a record of changes went because somebody used a snapshot within a machine's images.

Such a snapshot has the bitmaps of nobody. QEMU refuses to go back to one while it records changes,
which leaves the machine off and its records not closed; without records it goes back, and there
are none then. Both are compared. What it is called is libvirt's word of how the machine came to be
as it is: it may be another's, but never one that has been used before.
"""

import contextlib
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.disks.images import inspect
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.states import Standing
from holdfast.machines.tracking import Why
from holdfast.replication.resync import Because
from holdfast.replication.source_facts import Generation

_OF_RECORDS = (Why.MAP_MISSING, Why.MAP_INCONSISTENT, Why.MAP_WRONG, Because.WALK_LOST)


def cause_of_loss(
    why: str, standing: Standing, *, before: Generation | None, has_snapshots: bool
) -> str:
    """The same, or a better word for it. `before` is the newest generation that counts."""
    if why not in _OF_RECORDS or before is None:
        return why
    if standing.is_from_snapshot and not before.is_from_snapshot:
        return Because.ROLLED_BACK
    return Because.REVERT_REFUSED if standing.has_not_come_up and has_snapshots else why


def snapshots_within(domain: Domain) -> bool:
    """Of a machine that is off; of one that runs nobody needs to know."""
    if domain.is_active():
        return False
    with contextlib.suppress(HoldfastError):
        return any(
            inspect(Path(disk.source), format_="qcow2", looks_below=False).snapshots
            for disk in domain.spec(inactive=True).data_disks
            if disk.source and disk.format == "qcow2"
        )
    return False
