"""Who may have a replication keep its points for less time: from then on older ones go."""

from collections.abc import Mapping
from typing import Any

from holdfast.app.control.access import require
from holdfast.app.control.alerting import tell_of_act
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replication_judging import read_settings
from holdfast.app.control.shortening import ACT
from holdfast.app.control.stepping_up import require_step_up
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.replications import Filter, Replicated
from holdfast.catalog.tables import Machine, Vault
from holdfast.fleet.roles import Right


def require_may_keep_less(
    plane: Plane, db: Session, actor: Actor, machine: Machine, told: Mapping[str, Any]
) -> None:
    """Raise unless it may be; done in this transaction, it is told of."""
    wanted = told.get("points")
    known = replication_rows.listed(db, Filter(machine_id=machine.id, vm=told["vm"]))
    shorter = [one for one in known if wanted is not None and wanted < _kept(one)]
    if not shorter:
        return
    # An operator deletes nothing, not even what is no longer kept.
    require(db, actor, Right.DELETE_DATA, machine.vault_id)
    for one in shorter:
        request = {"replication": one.row.id, "hours": wanted}
        require_step_up(plane, db, actor, ACT, db.get(Vault, machine.vault_id), request)
        tell_of_act(
            db,
            plane,
            "retention-shorter",
            actor=actor.name,
            about=f"{one.site.name}/{one.row.name}",
            vault_id=machine.vault_id,
            machine_id=machine.id,
        )


def _kept(one: Replicated) -> int:
    settings = read_settings(one.row.settings)
    return settings.points.hours if settings is not None else 0
