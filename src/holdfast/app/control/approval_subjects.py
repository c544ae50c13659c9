"""What a request for approval is about, as people call it: a request itself names ids."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from holdfast.catalog import machines as machine_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Assignment, Machine, Policy, Replication, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSubject:
    # As the request calls it: "machine", "vault", "policy", "replication".
    kind: str
    id: str
    name: str
    # Recovery points that a machine has; None: not counted.
    points: int | None = None


def subjects_of(
    db: Session, vault_id: str | None, request: Mapping[str, Any], *, with_points: bool = False
) -> list[ApprovalSubject]:
    """Those of the vault alone: who asks writes the request, and may not know what others have."""
    found = list(_named(db, vault_id, request))
    if not with_points:
        return found
    counted = machine_rows.count_points(db, [one.id for one in found if one.kind == "machine"])
    return [
        replace(one, points=counted.get(one.id, (0, None))[0]) if one.kind == "machine" else one
        for one in found
    ]


def _named(
    db: Session, vault_id: str | None, request: Mapping[str, Any]
) -> Iterator[ApprovalSubject]:
    for kind, table in _TABLES.items():
        wanted = request.get(kind)
        row = db.get(table, wanted) if isinstance(wanted, str) else None
        if row is not None and _vault_of(db, row) == vault_id:
            yield ApprovalSubject(kind=kind, id=row.id, name=row.name)
    assigned = request.get("assignment")
    assignment = db.get(Assignment, assigned) if isinstance(assigned, str) else None
    if assignment is not None:
        yield from _named(db, vault_id, {"machine": assignment.machine_id})


_TABLES: dict[str, type[Any]] = {
    "machine": Machine,
    "replication": Replication,
    "policy": Policy,
    "vault": Vault,
}


def _vault_of(db: Session, row: Machine | Vault | Policy | Replication) -> str:
    if isinstance(row, Vault):
        return row.id
    if isinstance(row, Replication):
        return db.get_one(Machine, row.machine_id).vault_id
    return row.vault_id
