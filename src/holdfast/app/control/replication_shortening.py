"""Who may have a replication keep its points for less time: from then on older ones go."""

from collections.abc import Mapping
from typing import Any

from holdfast.app.control.access import require
from holdfast.app.control.plane import Actor
from holdfast.app.control.replication_judging import read_settings
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.replications import Filter
from holdfast.catalog.tables import Machine
from holdfast.fleet.roles import Right


def require_may_keep_less(
    db: Session, actor: Actor, machine: Machine, told: Mapping[str, Any]
) -> None:
    """An operator deletes nothing, not even what is no longer kept."""
    wanted = told.get("points")
    if wanted is None:
        return
    known = replication_rows.listed(db, Filter(machine_id=machine.id, vm=told["vm"]))
    kept = (read_settings(one.row.settings) for one in known)
    if any(one is not None and wanted < one.points.hours for one in kept):
        require(db, actor, Right.DELETE_DATA, machine.vault_id)
