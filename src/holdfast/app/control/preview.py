"""Which recovery points a change of policy would let go, before it is made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.app.control.machine_views import machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.policies import policy_for
from holdfast.app.control.policy_errors import RetentionImmutable, RetentionTooShort
from holdfast.app.control.retaining import Loss
from holdfast.app.control.shortening import is_immutable, is_shortening, losses_of, require_floor
from holdfast.catalog import policies as policy_rows
from holdfast.catalog.database import Session
from holdfast.catalog.policies import Attached, Filter
from holdfast.catalog.tables import Machine, Vault
from holdfast.fleet.backup_options import read_sources
from holdfast.fleet.policies import Policy, known_policy
from holdfast.fleet.policy_reading import read_policy
from holdfast.fleet.roles import Right

MOST_SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PointGoing:
    machine_id: str
    machine: str
    id: str
    taken_at: datetime
    paths: list[str]
    # The rules that hold it now.
    held_by: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`count` points would go with the next retain; at most a thousand are listed."""

    count: int
    going: list[PointGoing]
    # The change needs the security PIN, and an approval where the vault wants one.
    is_shorter: bool
    # The vault would refuse it: why.
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    machine: Machine
    losses: list[Loss]


def preview_change(plane: Plane, actor: Actor, policy_id: str, body: dict[str, Any]) -> Preview:
    """The policy changed to this body, on all machines it is attached to."""
    with plane.database.read() as db:
        row = policy_for(db, actor, policy_id, Right.READ)
        old, new = known_policy(row.body), read_policy(body)
        sources = []
        for one in policy_rows.attached(db, Filter(policy_id=row.id)):
            lost = losses_of(plane, db, one.assignment, old=old, new=new)
            sources.append(_Source(machine=one.machine, losses=lost))
        return _preview(db, row.vault_id, sources, old=old, new=new)


def preview_attached(
    plane: Plane,
    actor: Actor,
    machine_id: str,
    *,
    paths: Sequence[str],
    vms: Sequence[str] = (),
    body: dict[str, Any],
) -> Preview:
    """A policy of this body for these sources of a machine, in place of the one they have."""
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.READ)
        wanted, new = read_sources(paths, vms), read_policy(body)
        found = _attached_now(db, machine, *wanted)
        if found is None:
            return _preview(db, machine.vault_id, [], old=None, new=new)
        old = known_policy(found.policy.body)
        lost = losses_of(plane, db, found.assignment, old=old, new=new)
        source = _Source(machine=machine, losses=lost)
        return _preview(db, machine.vault_id, [source], old=old, new=new)


def _attached_now(
    db: Session, machine: Machine, paths: list[str], vms: list[str]
) -> Attached | None:
    for one in policy_rows.attached(db, Filter(machine_id=machine.id)):
        row = one.assignment
        if set(row.paths) == set(paths) and set(row.vms) == set(vms):
            return one
    return None


def _preview(
    db: Session, vault_id: str, sources: list[_Source], *, old: Policy | None, new: Policy
) -> Preview:
    vault = db.get(Vault, vault_id)
    assert vault is not None, "foreign keys hold"
    lost = [loss for source in sources for loss in source.losses]
    shorter = old is not None and is_shortening(old, new, lost)
    return Preview(
        count=len(lost),
        going=list(_going(sources))[:MOST_SHOWN],
        is_shorter=shorter,
        refused=_refusal(vault, new, is_shorter=shorter),
    )


def _going(sources: Iterable[_Source]) -> Iterable[PointGoing]:
    for source in sources:
        for loss in source.losses:
            yield PointGoing(
                machine_id=source.machine.id,
                machine=source.machine.name,
                id=loss.point.id,
                taken_at=loss.point.taken_at,
                paths=list(loss.point.paths),
                held_by=list(loss.held_by),
            )


def _refusal(vault: Vault, new: Policy, *, is_shorter: bool) -> str | None:
    try:
        require_floor(vault, new)
    except RetentionTooShort as err:
        return str(err)
    if is_shorter and is_immutable(vault):
        return str(RetentionImmutable(vault=vault.name, state=vault.immutability))
    return None
