"""Shorter retention is a destructive act: it needs proof, and some vaults refuse it.

Counts as shorter: rules that could let go of a point the former rules hold, and whatever lets
go of a point that is there. Detaching one policy and attaching another is no way around: the new
assignment's retention concerns its own points alone.
"""

from collections.abc import Sequence
from typing import Any

from holdfast.app.control.alerting import tell_of_act
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.policy_errors import RetentionImmutable, RetentionTooShort
from holdfast.app.control.retaining import Loss, losses, points_of
from holdfast.app.control.stepping_up import require_step_up
from holdfast.catalog import points as point_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Assignment, Vault
from holdfast.fleet.floors import gaps, is_shorter, shortfalls
from holdfast.fleet.policies import Policy

ACT = "retention-shorten"


def require_floor(vault: Vault, policy: Policy) -> None:
    """What protects data for good wants the whole floor, every other vault what a rule is about.

    A lab wants nothing.
    """
    if vault.is_lab:
        return
    for missing in shortfalls(policy.rules) if _is_firm(vault) else gaps(policy.rules):
        raise RetentionTooShort(vault=vault.name, wanted=missing.wanted, unit=missing.unit)


def losses_of(
    plane: Plane,
    db: Session,
    assignment: Assignment,
    *,
    old: Policy,
    new: Policy,
) -> list[Loss]:
    """Points of this assignment that would go."""
    points = points_of(point_rows.of_machine(db, assignment.machine_id), assignment.id)
    return losses(points, old=old, new=new, now=plane.clock.now())


def is_shortening(old: Policy, new: Policy, lost: Sequence[Loss]) -> bool:
    return bool(lost) or is_shorter(new.rules, old.rules)


def require_may_shorten(
    plane: Plane,
    db: Session,
    actor: Actor,
    vault: Vault,
    request: dict[str, Any],
    *,
    policy: str,
) -> None:
    """Raise unless it may be; done in this transaction, it is told of."""
    if is_immutable(vault):
        raise RetentionImmutable(vault=vault.name, state=vault.immutability)
    require_step_up(plane, db, actor, ACT, vault, request)
    about = f"{vault.name}/{policy}"
    tell_of_act(db, plane, "retention-shorter", actor=actor.name, about=about, vault_id=vault.id)


def is_immutable(vault: Vault) -> bool:
    return vault.immutability != "off" and not vault.is_lab


def _is_firm(vault: Vault) -> bool:
    return is_immutable(vault) or vault.soft_delete == "always-on"
