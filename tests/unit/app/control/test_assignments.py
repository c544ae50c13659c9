"""Policies attached to machines, and the points they decide on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.assignments import (
    Change,
    assignments_of,
    attach,
    change_assignment,
    detach,
    list_assignments,
    show_assignment,
)
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.points import list_points, take_points
from holdfast.app.control.policies import create_policy
from holdfast.app.control.policy_errors import (
    PathsAssigned,
    PointsNotUnderstood,
    RetentionImmutable,
)
from holdfast.app.control.purging import purge_repositories
from holdfast.app.control.registration_errors import MachineNotRegistered
from holdfast.app.control.step_errors import PinNeeded
from holdfast.catalog.tables import Machine
from holdfast.fleet.backup_options import AssignmentNotUnderstood, tag_of
from holdfast.fleet.messages import PointsTold
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.testing.planes import add_person, add_vault
from tests.unit.app.control.policies_ground import Ground, body, point

EVERYTHING = Window()


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def _etag(ground: Ground) -> str:
    with ground.plane.database.read() as db:
        return assignments_of(db, ground.machine.id).etag


def test_agent_is_told_the_policy_written_out(ground: Ground) -> None:
    policy = ground.policy("daily 7")
    made = ground.attached(policy, "/etc/", "/srv//data", "/etc")

    with ground.plane.database.read() as db:
        told = assignments_of(db, ground.machine.id).assignments

    assert [(one.id, one.policy, one.paths) for one in told] == [
        (made.id, policy.body, ["/etc", "/srv/data"])
    ]


def test_tag_changes_with_the_content_alone(ground: Ground) -> None:
    empty = _etag(ground)
    made = ground.attached(ground.policy())
    attached = _etag(ground)
    change_assignment(ground.plane, ground.admin, made.id, Change(is_paused=True))
    paused = _etag(ground)
    change_assignment(ground.plane, ground.admin, made.id, Change(is_paused=False))

    assert len({empty, attached, paused}) == 3
    assert _etag(ground) == attached


def test_next_runs_are_told_and_a_pause_has_none(ground: Ground) -> None:
    made = ground.attached(ground.policy(jitter="30m"))
    paused = change_assignment(ground.plane, ground.admin, made.id, Change(is_paused=True))

    assert len(made.next_runs) == 3
    assert all(run.hour == 2 and run.minute < 30 for run in made.next_runs)
    assert paused.next_runs == []


def test_machine_that_left_is_not_due_and_is_again_when_it_comes_back(ground: Ground) -> None:
    made = ground.attached(ground.policy())

    seen = []
    for state in ("unregistered", "active"):
        with ground.plane.database.write() as db:
            db.get_one(Machine, ground.machine.id).state = state
        seen.append(show_assignment(ground.plane, ground.admin, made.id))

    assert [(one.machine_state, len(one.next_runs)) for one in seen] == [
        ("unregistered", 0),
        ("active", 3),
    ]


def test_assignments_go_with_the_data_of_their_machine(ground: Ground) -> None:
    made = ground.attached(ground.policy())
    with ground.plane.database.write() as db:
        machine = db.get_one(Machine, ground.machine.id)
        machine.state, machine.purge_at = "deleted", ground.plane.clock.now()

    purge_repositories(ground.plane, ground.plane.clock.now())

    with pytest.raises(NotThere):
        show_assignment(ground.plane, ground.admin, made.id)


def test_policy_of_another_vault_is_not_there(ground: Ground) -> None:
    other = add_vault(ground.plane, "other")
    foreign = create_policy(ground.plane, ground.admin, other, body())

    with pytest.raises(NotThere):
        ground.attached(foreign)


def test_policy_can_be_named(ground: Ground) -> None:
    policy = ground.policy()

    made = attach(
        ground.plane,
        ground.admin,
        ground.machine.id,
        policy_id="nightly",
        paths=["/etc"],
        options={},
    )

    assert made.policy_id == policy.id


def test_same_paths_have_one_policy(ground: Ground) -> None:
    ground.attached(ground.policy(name="one"), "/etc", "/srv")

    with pytest.raises(PathsAssigned):
        ground.attached(ground.policy(name="two"), "/srv", "/etc")
    assert ground.attached(ground.policy(name="three"), "/etc").paths == ["/etc"]


@pytest.mark.parametrize("paths", [[], ["etc"], ["/a\0b"], ["/a\nb"], ["/x" * 3000]])
def test_paths_are_absolute_lines(ground: Ground, paths: list[str]) -> None:
    policy = ground.policy()

    with pytest.raises(AssignmentNotUnderstood):
        attach(
            ground.plane,
            ground.admin,
            ground.machine.id,
            policy_id=policy.id,
            paths=paths,
            options={},
        )


@pytest.mark.parametrize(
    "options",
    [
        {"hook_before": "rm -rf /"},
        {"exlude": ["*.o"]},
        {"excludes": "*.o"},
        {"excludes": ["a\0"]},
        {"tags": ["assignment:other"]},
        {"exclude_larger_than": "big"},
    ],
)
def test_options_are_known_and_run_nothing(ground: Ground, options: dict[str, Any]) -> None:
    policy = ground.policy()

    with pytest.raises(AssignmentNotUnderstood):
        attach(
            ground.plane,
            ground.admin,
            ground.machine.id,
            policy_id=policy.id,
            paths=["/etc"],
            options=options,
        )


def test_machine_that_has_left_gets_no_policy(ground: Ground) -> None:
    policy = ground.policy()
    with ground.plane.database.write() as db:
        db.get_one(Machine, ground.machine.id).state = "unregistered"

    with pytest.raises(MachineNotRegistered):
        ground.attached(policy)


def test_detached_points_stay_for_ever(ground: Ground) -> None:
    made = ground.attached(ground.policy("daily 7"))
    ground.tell(9, made)

    detach(ground.plane, ground.admin, made.id)

    found = list_points(ground.plane, ground.admin, ground.machine.id, EVERYTHING).items
    assert len(found) == 9
    assert not any(one.is_expired or one.policy for one in found)
    with pytest.raises(NotThere):
        show_assignment(ground.plane, ground.admin, made.id)


def test_swap_to_a_shorter_policy_needs_the_pin(ground: Ground) -> None:
    made = ground.attached(ground.policy("daily 9"))
    shorter = ground.policy("daily 7", name="shorter")
    swap = Change(policy_id=shorter.id)

    with pytest.raises(PinNeeded):
        change_assignment(ground.plane, ground.admin, made.id, swap)
    changed = change_assignment(ground.plane, ground.sure, made.id, swap)

    assert changed.policy == "shorter"


@pytest.mark.parametrize("who", ["admin", "sure"])
def test_immutable_vault_refuses_a_shorter_policy(ground: Ground, who: str) -> None:
    made = ground.attached(ground.policy("daily 9"))
    shorter = ground.policy("daily 7", name="shorter")
    ground.set_vault(immutability="on")

    with pytest.raises(RetentionImmutable):
        change_assignment(ground.plane, getattr(ground, who), made.id, Change(policy_id=shorter.id))


def test_detaching_and_attaching_is_no_way_around(ground: Ground) -> None:
    long, short = ground.policy("daily 9"), ground.policy("daily 7", name="short")
    made = ground.attached(long)
    told = ground.tell(9, made)
    detach(ground.plane, ground.admin, made.id)

    ground.attached(short)

    found = list_points(ground.plane, ground.admin, ground.machine.id, EVERYTHING).items
    assert [one.id for one in found] == [one.id for one in told]
    assert not any(one.is_expired for one in found)


def test_points_of_another_assignment_are_left_alone(ground: Ground) -> None:
    policy = ground.policy("daily 7")
    ground.tell(11, ground.attached(policy, "/etc"))
    ground.attached(policy, "/srv")

    found = list_points(ground.plane, ground.admin, ground.machine.id, EVERYTHING).items

    assert [one.is_expired for one in found] == [False] * 7 + [True] * 4


def test_operator_attaches_nothing(ground: Ground) -> None:
    who = add_person(ground.plane, role=Role.OPERATOR, vault_id=ground.vault).actor
    policy = ground.policy()
    made = ground.attached(policy)

    with pytest.raises(NotAllowed):
        ground.attached(policy, "/srv", who=who)
    with pytest.raises(NotAllowed):
        detach(ground.plane, who, made.id)
    with pytest.raises(NotAllowed):
        change_assignment(ground.plane, who, made.id, Change(is_paused=True))


def test_list_shows_what_the_caller_may_read(ground: Ground) -> None:
    made = ground.attached(ground.policy())
    reader = add_person(ground.plane, "rita", role=Role.READER, vault_id=ground.vault).actor
    stranger = add_person(ground.plane, "sam").actor

    seen = list_assignments(ground.plane, reader, EVERYTHING).items

    assert [one.id for one in seen] == [made.id]
    assert list_assignments(ground.plane, stranger, EVERYTHING).items == []


def test_point_says_which_rule_holds_it_and_until_when(ground: Ground) -> None:
    told = ground.tell(9, ground.attached(ground.policy("daily 7")))

    found = list_points(ground.plane, ground.admin, ground.machine.id, EVERYTHING).items

    assert [one.id for one in found] == [one.id for one in told]
    assert [one.is_expired for one in found] == [False] * 7 + [True] * 2
    assert [hold.rule for hold in found[1].holds] == ["daily 7"]
    assert found[1].expires_at is not None
    assert found[1].policy == "nightly"


def test_points_come_in_pages_newest_first(ground: Ground) -> None:
    told = ground.tell(5)

    first = list_points(ground.plane, ground.admin, ground.machine.id, Window(limit=3))
    rest = list_points(ground.plane, ground.admin, ground.machine.id, Window(after=first.next))

    assert [one.id for one in [*first.items, *rest.items]] == [one.id for one in told]


def test_points_not_told_of_are_gone(ground: Ground) -> None:
    told = ground.tell(4)

    taken = take_points(ground.plane, ground.machine.actor, PointsTold(points=told[1:3]))

    found = list_points(ground.plane, ground.admin, ground.machine.id, EVERYTHING).items
    assert (taken.new, taken.gone) == (0, 2)
    assert [one.id for one in found] == [one.id for one in told[1:3]]


def test_thousands_of_points_come_and_go(ground: Ground) -> None:
    now = ground.clock.now()
    many = [point(number, now - timedelta(hours=number)) for number in range(2000)]

    took = take_points(ground.plane, ground.machine.actor, PointsTold(points=many))
    gone = take_points(ground.plane, ground.machine.actor, PointsTold(points=[]))

    assert (took.new, gone.gone) == (2000, 2000)


@pytest.mark.parametrize(
    "moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_impossible_time_is_told_and_kept(ground: Ground, moment: datetime) -> None:
    tag = tag_of(ground.attached(ground.policy("daily 7")).id)
    take_points(ground.plane, ground.machine.actor, PointsTold(points=[point(1, moment, tag)]))

    found = list_points(ground.plane, ground.admin, ground.machine.id, EVERYTHING).items

    assert [one.is_expired for one in found] == [False]


@pytest.mark.parametrize(
    "change", [{"id": "../etc"}, {"host": "a\0b"}, {"bytes_total": -1}, {"bytes_total": 1 << 70}]
)
def test_point_that_cannot_be_is_refused(ground: Ground, change: dict[str, Any]) -> None:
    odd = replace(point(1, ground.clock.now()), **change)

    with pytest.raises(PointsNotUnderstood):
        take_points(ground.plane, ground.machine.actor, PointsTold(points=[odd]))
