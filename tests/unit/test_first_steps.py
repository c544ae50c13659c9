"""A newcomer's first steps: what counts as done, what comes next."""

from pathlib import Path

from holdfast.app.control.first_steps import Step, done, first_steps
from holdfast.catalog.first_steps import Counts
from holdfast.fleet.roles import Role
from holdfast.testing.planes import add_admin, add_machine, add_person, add_vault, make_plane

NOTHING = Counts(*[0] * len(Counts._fields))


def test_nothing_is_done_at_first_and_a_vault_comes_next(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    found = first_steps(plane, add_admin(plane).actor)

    assert not found.is_done
    assert [one.step for one in found.steps if one.is_next] == [Step.VAULT]


def test_a_registered_machine_with_nothing_protected_asks_for_a_policy(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    add_machine(plane, add_vault(plane))

    found = first_steps(plane, add_admin(plane).actor)

    assert [one.step for one in found.steps if one.is_done] == [Step.VAULT, Step.MACHINE]
    assert [one.step for one in found.steps if one.is_next] == [Step.POLICY]


def test_only_what_somebody_may_look_into_counts_for_them(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    own, other = add_vault(plane, "own"), add_vault(plane, "other")
    add_machine(plane, other)
    reader = add_person(plane, "bo", role=Role.READER, vault_id=own)

    found = first_steps(plane, reader.actor)

    assert [one.step for one in found.steps if one.is_done] == [Step.VAULT]


def test_one_machine_is_no_second_host() -> None:
    assert Step.SECOND_MACHINE not in done(NOTHING._replace(machines=1))
    assert Step.SECOND_MACHINE in done(NOTHING._replace(machines=2))


def test_a_step_counts_whatever_was_left_out_before_it() -> None:
    assert done(NOTHING._replace(drills=1)) == {Step.DRILL}
