"""Policies and points on each kind of database."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from holdfast.app.control.assignments import attach, detach, list_assignments
from holdfast.app.control.points import list_points, take_points
from holdfast.app.control.policies import create_policy, delete_policy, list_policies
from holdfast.app.control.preview import preview_change
from holdfast.fleet.backup_options import tag_of
from holdfast.fleet.messages import PointsTold, PointTold
from holdfast.fleet.paging import Window
from holdfast.testing.planes import add_admin, add_machine, add_vault, make_plane

BODY = {"name": "nightly", "schedule": "daily 02:00", "retention": ["daily 9"]}


def test_policy_decides_on_points_from_attach_to_detach(tmp_path: Path, database_url: str) -> None:
    plane = make_plane(tmp_path, database_url=database_url)
    admin, vault = add_admin(plane).actor, add_vault(plane)
    machine = add_machine(plane, vault)
    policy = create_policy(plane, admin, vault, BODY)
    made = attach(
        plane, admin, machine.id, policy_id=policy.id, paths=["/etc"], options={"tags": ["a"]}
    )
    now, point = (
        plane.clock.now(),
        PointTold(
            id="", taken_at=plane.clock.now(), host="alpha", paths=["/etc"], tags=[tag_of(made.id)]
        ),
    )
    told = [
        replace(point, id=f"{number:064x}", taken_at=now - timedelta(hours=number))
        for number in range(1200)
    ]

    take_points(plane, machine.actor, PointsTold(points=told))
    taken = take_points(plane, machine.actor, PointsTold(points=told[:600]))

    found = list_points(plane, admin, machine.id, Window(limit=1000))
    shorter = preview_change(plane, admin, policy.id, {**BODY, "retention": ["daily 7"]})
    assert (taken.new, taken.gone, len(found.items)) == (0, 600, 600)
    assert found.items[0].taken_at == now
    assert shorter.count == 2
    assert len(list_assignments(plane, admin, Window(limit=1)).items) == 1
    detach(plane, admin, made.id)
    delete_policy(plane, admin, policy.id)
    assert list_policies(plane, admin, vault, Window()).items == []
    plane.database.close()
