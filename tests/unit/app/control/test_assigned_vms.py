"""Policies for virtual machines, and what their hosts tell of them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.assignments import (
    AssignmentView,
    Change,
    assignments_of,
    attach,
    change_assignment,
)
from holdfast.app.control.points import list_points, take_points
from holdfast.app.control.policies import PolicyView
from holdfast.app.control.policy_errors import PathsAssigned, VmsAssigned, VmsNotUnderstood
from holdfast.app.control.preview import preview_attached
from holdfast.app.control.purging import purge_repository
from holdfast.app.control.vms import list_vms, take_vms
from holdfast.fleet.backup_options import AssignmentNotUnderstood, tag_of
from holdfast.fleet.messages import PointsTold, PointTold, VmsTold, VmTold
from holdfast.fleet.paging import Window
from tests.unit.app.control.policies_ground import Ground, body

DAY = timedelta(days=1)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def attached(ground: Ground, policy: PolicyView, *vms: str, **more: Any) -> AssignmentView:
    given: dict[str, Any] = {"paths": [], "options": {}, **more}
    return attach(
        ground.plane, ground.admin, ground.machine.id, policy_id=policy.id, vms=vms, **given
    )


def etag(ground: Ground) -> str:
    with ground.plane.database.read() as db:
        return assignments_of(db, ground.machine.id).etag


def vm(name: str, **more: Any) -> VmTold:
    given: dict[str, Any] = {
        "uuid": f"of-{name}",
        "state": "running",
        "protectable": "whole",
        "consistency": "application",
    }
    return VmTold(name=name, **{**given, **more})


def test_agent_is_told_the_machines(ground: Ground) -> None:
    made = attached(ground, ground.policy("daily 7"), "web", "db", "web")
    before = etag(ground)

    changed = change_assignment(ground.plane, ground.admin, made.id, Change(vms=["*"]))

    with ground.plane.database.read() as db:
        (told,) = assignments_of(db, ground.machine.id).assignments
    assert made.vms == ["web", "db"]
    assert (told.paths, told.vms) == (changed.paths, changed.vms) == ([], ["*"])
    assert etag(ground) != before


def test_same_machines_have_one_policy(ground: Ground) -> None:
    policy = ground.policy("daily 7")
    made = attached(ground, policy, "web", "db")

    with pytest.raises(VmsAssigned, match="nightly"):
        attached(ground, policy, "db", "web")
    both = attached(ground, policy, "*", paths=["/etc"])
    with pytest.raises(PathsAssigned):
        attached(ground, policy, "web", paths=["/etc"])

    assert change_assignment(ground.plane, ground.admin, made.id, Change(vms=["db"])).vms == ["db"]
    assert (both.paths, both.vms) == (["/etc"], ["*"])


@pytest.mark.parametrize(
    "wanted",
    [
        {"vms": []},
        {"vms": ["a/b"]},
        {"vms": [""]},
        {"vms": ["web"], "options": {"excludes": ["*.o"]}},
    ],
)
def test_what_protects_nothing_is_refused(ground: Ground, wanted: dict[str, Any]) -> None:
    policy = ground.policy("daily 7")

    with pytest.raises(AssignmentNotUnderstood):
        attached(ground, policy, *wanted["vms"], options=wanted.get("options", {}))


def test_an_assignment_cannot_come_to_be_about_nothing(ground: Ground) -> None:
    made = attached(ground, ground.policy("daily 7"), "web", options={"tags": ["gold"]})

    with pytest.raises(AssignmentNotUnderstood):
        change_assignment(ground.plane, ground.admin, made.id, Change(vms=[]))


def test_each_machine_keeps_as_many_points_as_the_policy_says(ground: Ground) -> None:
    made = attached(ground, ground.policy("daily 7"), "web", "db")
    now = ground.clock.now()
    told = [
        PointTold(
            id=f"{number:063x}{digit}",
            taken_at=now - number * DAY,
            host="kvm1",
            paths=[f"/vm/{name}"],
            tags=["vm", f"vm:of-{name}", tag_of(made.id)],
        )
        for digit, name in enumerate(("web", "db"))
        for number in range(10)
    ]
    take_points(ground.plane, ground.machine.actor, PointsTold(points=told))

    shown = list_points(ground.plane, ground.admin, ground.machine.id, Window()).items

    kept = [one.paths[0] for one in shown if not one.is_expired]
    assert {name: kept.count(name) for name in kept} == {"/vm/web": 7, "/vm/db": 7}


def test_preview_is_of_the_policy_these_machines_have(ground: Ground) -> None:
    attached(ground, ground.policy("daily 9"), "web")

    def shorter(*, paths: tuple[str, ...] = (), vms: tuple[str, ...] = ()) -> bool:
        where = (ground.plane, ground.admin, ground.machine.id)
        return preview_attached(*where, paths=paths, vms=vms, body=body("daily 7")).is_shorter

    assert shorter(vms=("web",))
    assert not shorter(vms=("db",))
    assert not shorter(paths=("/etc",))


def test_host_tells_its_machines_and_those_not_named_are_gone(ground: Ground) -> None:
    now = ground.clock.now()
    first = [vm("web"), vm("db", protected_since=now, point_at=now, point_class="crash")]
    take_vms(ground.plane, ground.machine.actor, VmsTold(vms=first))

    take_vms(
        ground.plane,
        ground.machine.actor,
        VmsTold(vms=[vm("db", state="off", protected_since=now), vm("new", remarks=["raw"])]),
    )

    shown = list_vms(ground.plane, ground.admin, ground.machine.id, Window()).items
    assert [(one.name, one.state, one.protected_since, one.remarks) for one in shown] == [
        ("db", "off", now, []),
        ("new", "running", None, ["raw"]),
    ]
    assert {one.told_at for one in shown} == {now}


def test_machines_come_in_pages(ground: Ground) -> None:
    names = [f"vm{number:03}" for number in range(5)]
    take_vms(ground.plane, ground.machine.actor, VmsTold(vms=[vm(name) for name in names]))

    seen, after = list[str](), None
    while True:
        window = Window(limit=2, after=after)
        page = list_vms(ground.plane, ground.admin, ground.machine.id, window)
        seen += [one.name for one in page.items]
        after = page.next
        if after is None:
            break

    assert seen == names


def test_machine_that_cannot_be_is_refused(ground: Ground) -> None:
    with pytest.raises(VmsNotUnderstood):
        take_vms(ground.plane, ground.machine.actor, VmsTold(vms=[vm("")]))


def test_machines_go_with_the_data_of_their_host(ground: Ground) -> None:
    take_vms(ground.plane, ground.machine.actor, VmsTold(vms=[vm("web")]))

    purge_repository(ground.plane, ground.machine.id)

    assert list_vms(ground.plane, ground.admin, ground.machine.id, Window()).items == []
