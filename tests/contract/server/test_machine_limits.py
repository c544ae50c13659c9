"""How much a machine may store, and how fast, as people set it."""

from pathlib import Path

from holdfast.catalog.tables import AuditEntry
from holdfast.fleet.roles import Role
from holdfast.testing.planes import (
    add_admin,
    add_machine,
    add_person,
    add_vault,
    client_of,
    make_plane,
)


def test_a_machines_bounds_are_set_and_taken_off(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    machine = add_machine(plane, add_vault(plane))
    client = client_of(plane, token=add_admin(plane).token)
    path = f"/api/v1/machines/{machine.id}/limits"

    both = client.patch(path, json={"quota_bytes": 10_000, "limit_rate": 500}).json()
    one = client.patch(path, json={"limit_rate": 0}).json()

    assert (both["quota_bytes"], both["limit_rate"]) == (10_000, 500)
    assert (one["quota_bytes"], one["limit_rate"]) == (10_000, None)
    with plane.database.read() as db:
        assert db.query(AuditEntry).filter_by(act="machine-limit").count() == 2
    plane.database.close()


def test_bounds_are_for_those_who_may_change_protection(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    vault_id = add_vault(plane)
    machine = add_machine(plane, vault_id)
    operator = add_person(plane, role=Role.OPERATOR, vault_id=vault_id)
    path = f"/api/v1/machines/{machine.id}/limits"

    refused = client_of(plane, token=operator.token).patch(path, json={"limit_rate": 1})
    senseless = client_of(plane, token=add_admin(plane).token).patch(path, json={"limit_rate": -1})

    assert refused.status_code == 403
    assert senseless.status_code == 422
    plane.database.close()
