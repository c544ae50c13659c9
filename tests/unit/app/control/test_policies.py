"""Policies: made, changed, deleted; who may shorten what they keep."""

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.app.control.errors import AlreadyThere, NotAllowed, NotThere
from holdfast.app.control.policies import (
    LIMITS,
    change_policy,
    create_policy,
    delete_policy,
    list_all_policies,
    list_policies,
    proposal,
    show_policy,
)
from holdfast.app.control.policy_errors import (
    PolicyAttached,
    PolicyLimit,
    RetentionImmutable,
    RetentionTooShort,
)
from holdfast.app.control.preview import preview_attached, preview_change
from holdfast.app.control.step_errors import ApprovalNeeded, PinNeeded
from holdfast.catalog.tables import AuditEntry, Policy, Setting
from holdfast.fleet.paging import Window
from holdfast.fleet.policy_errors import PolicyNotUnderstood
from holdfast.fleet.roles import Role
from holdfast.testing.planes import add_person, add_vault
from tests.unit.app.control.policies_ground import Ground, body


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def test_policy_is_there_once_made(ground: Ground) -> None:
    made = ground.policy("daily 7")

    assert show_policy(ground.plane, ground.admin, made.id) == made
    assert made.version == 1
    assert made.body["retention"] == ["daily 7"]


def test_each_vault_has_names_of_its_own(ground: Ground) -> None:
    other = add_vault(ground.plane, "other")
    ground.policy()

    with pytest.raises(AlreadyThere):
        ground.policy()
    assert create_policy(ground.plane, ground.admin, other, body()).name == "nightly"


def test_policies_of_all_vaults_one_may_look_into_come_in_one_list(ground: Ground) -> None:
    plane = ground.plane
    other, gone = add_vault(plane, "other"), add_vault(plane, "gone", deleted_at=plane.clock.now())
    reader = add_person(plane, "rita", role=Role.READER, vault_id=other).actor
    for vault in (ground.vault, other, gone):
        with plane.database.write() as db:
            row = {"name": "nightly", "body": body(), "changed_at": plane.clock.now()}
            db.add(Policy(id=f"p-{vault}", vault_id=vault, **row))

    first = list_all_policies(plane, ground.admin, Window(limit=1))
    rest = list_all_policies(plane, ground.admin, Window(limit=1, after=first.next))
    seen = list_all_policies(plane, reader, Window())

    assert {one.vault_id for one in (*first.items, *rest.items)} == {ground.vault, other}
    assert rest.next is None
    assert [one.vault_id for one in seen.items] == [other]


def test_policy_that_is_not_understood_is_not_made(ground: Ground) -> None:
    with pytest.raises(PolicyNotUnderstood):
        create_policy(ground.plane, ground.admin, ground.vault, {**body(), "retaintion": []})


def test_proposal_can_be_made_as_it_is(ground: Ground) -> None:
    proposed = proposal(ground.plane, ground.admin, ground.vault, zone="Asia/Seoul")

    made = create_policy(ground.plane, ground.admin, ground.vault, proposed)

    assert made.body == proposed


def test_limit_of_policies_is_a_setting(ground: Ground) -> None:
    with ground.plane.database.write() as db:
        db.add(Setting(key=LIMITS, value={"policies_per_vault": 1}))
    ground.policy(name="one")

    with pytest.raises(PolicyLimit):
        ground.policy(name="two")


def test_policies_come_in_pages_by_name(ground: Ground) -> None:
    for name in ("c", "a", "b"):
        ground.policy(name=name)

    first = list_policies(ground.plane, ground.admin, ground.vault, Window(limit=2))
    rest = list_policies(ground.plane, ground.admin, ground.vault, Window(after=first.next))

    assert [one.name for one in first.items] == ["a", "b"]
    assert [one.name for one in rest.items] == ["c"]
    assert rest.next is None


def test_version_counts_changes_and_only_those(ground: Ground) -> None:
    made = ground.policy("daily 7")

    same = change_policy(ground.plane, ground.admin, made.id, body("daily 7"))
    longer = change_policy(ground.plane, ground.admin, made.id, body("daily 8"))

    assert (same.version, longer.version) == (1, 2)


def test_attached_policy_is_not_deleted(ground: Ground) -> None:
    policy = ground.policy()
    ground.attached(policy)

    with pytest.raises(PolicyAttached):
        delete_policy(ground.plane, ground.admin, policy.id)


def test_deleted_policy_is_gone(ground: Ground) -> None:
    policy = ground.policy()

    delete_policy(ground.plane, ground.admin, policy.id)

    with pytest.raises(NotThere):
        show_policy(ground.plane, ground.admin, policy.id)


@pytest.mark.parametrize("role", [Role.READER, Role.OPERATOR])
def test_lower_roles_only_look(ground: Ground, role: Role) -> None:
    policy = ground.policy()
    who = add_person(ground.plane, role=role, vault_id=ground.vault).actor

    assert show_policy(ground.plane, who, policy.id) == policy
    with pytest.raises(NotAllowed):
        create_policy(ground.plane, who, ground.vault, body(name="other"))
    with pytest.raises(NotAllowed):
        change_policy(ground.plane, who, policy.id, body("daily 7"))
    with pytest.raises(NotAllowed):
        delete_policy(ground.plane, who, policy.id)


def test_stranger_sees_nothing(ground: Ground) -> None:
    policy = ground.policy()
    who = add_person(ground.plane).actor

    with pytest.raises(NotAllowed):
        show_policy(ground.plane, who, policy.id)
    with pytest.raises(NotAllowed):
        show_policy(ground.plane, who, "no-such-policy")


def test_shorter_retention_needs_the_pin(ground: Ground) -> None:
    policy = ground.policy("daily 8")

    with pytest.raises(PinNeeded):
        change_policy(ground.plane, ground.admin, policy.id, body("daily 7"))
    changed = change_policy(ground.plane, ground.sure, policy.id, body("daily 7"))

    assert changed.version == 2


def test_shorter_retention_needs_a_second_person_where_wanted(ground: Ground) -> None:
    policy = ground.policy("daily 8")
    ground.set_vault(four_eyes=True)

    with pytest.raises(ApprovalNeeded):
        change_policy(ground.plane, ground.sure, policy.id, body("daily 7"))


def test_shorter_retention_in_a_lab_needs_nothing(ground: Ground) -> None:
    policy = ground.policy("daily 7")
    ground.set_vault(is_lab=True)

    assert change_policy(ground.plane, ground.admin, policy.id, body("daily 1")).version == 2


@pytest.mark.parametrize("state", ["on", "locked"])
def test_immutable_vault_refuses_shorter_retention(ground: Ground, state: str) -> None:
    long = ("daily 30", "weekly 4", "monthly 12")
    policy = ground.policy(*long)
    ground.set_vault(immutability=state)

    with pytest.raises(RetentionImmutable):
        change_policy(
            ground.plane, ground.sure, policy.id, body("daily 14", "weekly 4", "monthly 12")
        )
    later = body(*long, schedule="daily 03:00")
    assert change_policy(ground.plane, ground.admin, policy.id, later).version == 2


@pytest.mark.parametrize("settings", [{"immutability": "on"}, {"soft_delete": "always-on"}])
def test_firm_vault_wants_the_floor(ground: Ground, settings: dict[str, str]) -> None:
    ground.set_vault(**settings)

    with pytest.raises(RetentionTooShort):
        ground.policy("daily 7", "weekly 4")
    assert ground.policy("daily 7", "weekly 4", "monthly 3", "yearly 1").version == 1


def test_preview_names_each_point_and_what_held_it(ground: Ground) -> None:
    policy = ground.policy("daily 20")
    told = ground.tell(20, ground.attached(policy))

    found = preview_change(ground.plane, ground.admin, policy.id, body("daily 7"))

    assert found.count == 13
    assert [one.id for one in found.going] == [one.id for one in told[7:]]
    assert found.going[0].held_by == ["daily 20"]
    assert found.is_shorter
    assert found.refused is None
    assert show_policy(ground.plane, ground.admin, policy.id).version == 1


def test_preview_leaves_out_what_would_go_anyway(ground: Ground) -> None:
    policy = ground.policy("daily 10")
    ground.tell(20, ground.attached(policy))

    found = preview_change(ground.plane, ground.admin, policy.id, body("daily 9"))

    # The last of ten; those beyond have expired already.
    assert found.count == 1


def test_preview_says_what_the_vault_would_refuse(ground: Ground) -> None:
    policy = ground.policy("daily 20")
    ground.set_vault(immutability="locked")

    found = preview_change(
        ground.plane, ground.admin, policy.id, body("daily 7", "weekly 4", "monthly 12")
    )

    assert found.refused is not None
    assert "immutable" in found.refused


def test_preview_for_paths_compares_with_the_policy_they_have(ground: Ground) -> None:
    ground.tell(20, ground.attached(ground.policy("daily 20"), "/etc"))

    found = preview_attached(
        ground.plane, ground.admin, ground.machine.id, paths=["/etc/"], body=body("daily 19")
    )

    assert [one.held_by for one in found.going] == [["daily 20"]]


def test_changes_are_written_down(ground: Ground) -> None:
    policy = ground.policy("daily 7")
    change_policy(ground.plane, replace(ground.admin, address="::1"), policy.id, body("daily 9"))

    with ground.plane.database.read() as db:
        entries = [db.get_one(AuditEntry, number) for number in (1, 2)]

    assert [entry.act for entry in entries] == ["policy-create", "policy-change"]
    assert entries[1].detail["former"]["retention"] == ["daily 7"]


def test_every_vault_but_a_lab_has_a_floor(tmp_path: Path) -> None:
    usual, lab = Ground(tmp_path / "usual"), Ground(tmp_path / "lab", is_lab=True)

    with pytest.raises(RetentionTooShort):
        usual.policy("daily 3")
    assert usual.policy("daily 7").version == 1
    assert lab.policy("daily 3").version == 1
