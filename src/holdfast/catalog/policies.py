"""Queries about policies and the machines they are attached to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Text, bindparam, cast, func, select, tuple_

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Assignment, Machine, Policy, Vault

# Asked for by each heartbeat: built once, and what is JSON stays the text it is kept as.
_STAMP = (
    select(
        Assignment.id,
        Assignment.is_paused,
        cast(Assignment.paths, Text),
        cast(Assignment.vms, Text),
        cast(Assignment.options, Text),
        Policy.id,
        Policy.name,
        Policy.version,
        cast(Policy.body, Text),
    )
    .join(Policy, Policy.id == Assignment.policy_id)
    .where(Assignment.machine_id == bindparam("one"))
    .order_by(Assignment.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    vault_id: str | None = None
    machine_id: str | None = None
    policy_id: str | None = None


class Attached(NamedTuple):
    assignment: Assignment
    policy: Policy
    machine: Machine


def by_name(db: Session, vault_id: str, name: str) -> Policy | None:
    return db.scalar(select(Policy).where(Policy.vault_id == vault_id, Policy.name == name))


def in_vault(
    db: Session, vault_id: str, *, limit: int, after: str | None = None
) -> Sequence[Policy]:
    """Sorted by name."""
    query = select(Policy).where(Policy.vault_id == vault_id).order_by(Policy.name).limit(limit)
    if after is not None:
        query = query.where(Policy.name > after)
    return db.scalars(query).all()


def listed(
    db: Session, vaults: Collection[str] | None, *, limit: int, after: tuple[str, str] | None = None
) -> Sequence[Policy]:
    """Of vaults that are there, of all or of these; sorted by name and id."""
    query = select(Policy).join(Vault, Vault.id == Policy.vault_id)
    query = query.where(Vault.deleted_at.is_(None)).order_by(Policy.name, Policy.id).limit(limit)
    if vaults is not None:
        query = query.where(Policy.vault_id.in_(vaults))
    if after is not None:
        query = query.where(tuple_(Policy.name, Policy.id) > after)
    return db.scalars(query).all()


def count_in(db: Session, vault_id: str) -> int:
    query = select(func.count()).select_from(Policy).where(Policy.vault_id == vault_id)
    return db.scalar(query) or 0


def times_attached(db: Session, policy_ids: Collection[str]) -> dict[str, int]:
    query = select(Assignment.policy_id, func.count()).where(Assignment.policy_id.in_(policy_ids))
    rows = db.execute(query.group_by(Assignment.policy_id))
    return {row[0]: row[1] for row in rows}


def stamp(db: Session, machine_id: str) -> list[tuple[Any, ...]]:
    """All that its assignments say, as plain values: another list when any of it is different."""
    return [tuple(row) for row in db.connection().execute(_STAMP, {"one": machine_id})]


def detach_all(db: Session, machine_id: str) -> int:
    """Remove the assignments of a machine that has nothing any more; how many."""
    found = db.scalars(select(Assignment).where(Assignment.machine_id == machine_id)).all()
    for one in found:
        db.delete(one)
    return len(found)


def attached(
    db: Session,
    wanted: Filter,
    *,
    vaults: Collection[str] | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> list[Attached]:
    """Sorted by the assignment's id; `vaults` are those the caller may read, None: all."""
    query = select(Assignment, Policy, Machine)
    query = query.join(Policy, Policy.id == Assignment.policy_id)
    query = query.join(Machine, Machine.id == Assignment.machine_id)
    query = query.order_by(Assignment.id).limit(limit)
    if wanted.vault_id is not None:
        query = query.where(Machine.vault_id == wanted.vault_id)
    if wanted.machine_id is not None:
        query = query.where(Assignment.machine_id == wanted.machine_id)
    if wanted.policy_id is not None:
        query = query.where(Assignment.policy_id == wanted.policy_id)
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    if after is not None:
        query = query.where(Assignment.id > after)
    return [Attached(*row) for row in db.execute(query)]
