"""One machine deletes for one reason at a time, and not for ever."""

from datetime import timedelta

import pytest

from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.job_errors import LeaseHeld, LeaseOver
from holdfast.app.control.leases import LONGEST, prolong_lease, release_lease, take_lease
from holdfast.app.control.plane import Plane
from holdfast.testing.planes import Registered, add_admin, add_machine, add_vault


def test_second_lease_has_to_wait(plane: Plane, machine: Registered) -> None:
    take_lease(plane, machine.actor, kind="retain", seconds=60)

    with pytest.raises(LeaseHeld):
        take_lease(plane, machine.actor, kind="prune", seconds=60)


def test_same_work_asked_for_again_goes_on_with_its_lease(
    plane: Plane, machine: Registered
) -> None:
    first = take_lease(plane, machine.actor, kind="retain", seconds=60)
    plane.clock.sleep(30)

    again = take_lease(plane, machine.actor, kind="retain", seconds=60)

    assert again.id == first.id
    assert again.expires_at == first.expires_at + timedelta(seconds=30)


def test_lease_of_a_killed_agent_makes_room_for_its_next_life(
    plane: Plane, machine: Registered
) -> None:
    first = take_lease(plane, machine.actor, kind="prune", seconds=60)

    second = take_lease(plane, machine.actor, kind="retain", seconds=60, has_no_other=True)

    assert second.id != first.id
    with pytest.raises(LeaseOver):
        prolong_lease(plane, machine.actor, first.id, seconds=60)


def test_agent_that_has_no_other_takes_none_of_a_person(plane: Plane, machine: Registered) -> None:
    take_lease(plane, machine.actor, kind="prune", seconds=60, holder="person")

    with pytest.raises(LeaseHeld):
        take_lease(plane, machine.actor, kind="retain", seconds=60, has_no_other=True)


def test_people_and_the_agent_share_no_lease(plane: Plane, machine: Registered) -> None:
    take_lease(plane, machine.actor, kind="retain", seconds=60)

    with pytest.raises(LeaseHeld):
        take_lease(plane, machine.actor, kind="retain", seconds=60, holder="person")


@pytest.mark.parametrize("how", ["released", "expired"])
def test_lease_that_is_over_makes_room(plane: Plane, machine: Registered, how: str) -> None:
    first = take_lease(plane, machine.actor, kind="retain", seconds=60)
    if how == "released":
        release_lease(plane, machine.actor, first.id)
    else:
        plane.clock.sleep(60)

    second = take_lease(plane, machine.actor, kind="prune", seconds=60)

    assert second.id != first.id
    with pytest.raises(LeaseOver):
        prolong_lease(plane, machine.actor, first.id, seconds=60)


def test_no_lease_is_longer_than_the_longest(plane: Plane, machine: Registered) -> None:
    lease = take_lease(plane, machine.actor, kind="prune", seconds=10**6)

    assert lease.expires_at == plane.clock.now() + LONGEST


def test_prolonging_never_shortens(plane: Plane, machine: Registered) -> None:
    lease = take_lease(plane, machine.actor, kind="prune", seconds=600)

    longer = prolong_lease(plane, machine.actor, lease.id, seconds=1)

    assert longer.expires_at == lease.expires_at


def test_machines_do_not_see_each_others_leases(plane: Plane, machine: Registered) -> None:
    other = add_machine(plane, add_vault(plane, "other"), "beta")
    lease = take_lease(plane, machine.actor, kind="prune", seconds=60)

    with pytest.raises(NotThere):
        release_lease(plane, other.actor, lease.id)
    take_lease(plane, other.actor, kind="retain", seconds=60)


def test_lease_is_no_thing_for_people(plane: Plane) -> None:
    admin = add_admin(plane)

    with pytest.raises(NotAllowed):
        take_lease(plane, admin.actor, kind="prune", seconds=60)
