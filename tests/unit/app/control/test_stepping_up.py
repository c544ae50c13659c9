"""The security PIN and the second pair of eyes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control import accounts, approvals, stepping_up
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.step_errors import (
    ApprovalDecided,
    ApprovalNeeded,
    ApprovalNotGood,
    ApprovalOwn,
    PinNeeded,
    PinWrong,
)
from holdfast.app.control.stepping_up import PIN_ATTEMPTS, require_step_up
from holdfast.catalog.tables import Vault
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_person, add_vault, make_plane

PASSWORD = "four random words here"
REQUEST: dict[str, Any] = {"machine": "m1", "data": "delete"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


@pytest.fixture
def ada(plane: Plane) -> Actor:
    admin = add_admin(plane)
    made = accounts.add_account(plane, admin.actor, name="ada", password=PASSWORD, lang="en")
    return Actor(kind="person", id=made.id, name="ada")


def _with_pin(plane: Plane, actor: Actor) -> Actor:
    return replace(actor, pin=stepping_up.make_pin(plane, actor, password=PASSWORD).pin)


def _act(plane: Plane, actor: Actor, vault_id: str, request: dict[str, Any] | None = None) -> None:
    with plane.database.write() as db:
        vault = db.get(Vault, vault_id)
        require_step_up(plane, db, actor, "data-delete", vault, request or REQUEST)


def test_act_without_a_pin_is_refused(plane: Plane, ada: Actor) -> None:
    vault = add_vault(plane)

    with pytest.raises(PinNeeded):
        _act(plane, ada, vault)


def test_pin_is_good_for_five_minutes(plane: Plane, ada: Actor, clock: FakeClock) -> None:
    vault, actor = add_vault(plane), _with_pin(plane, ada)

    _act(plane, actor, vault)

    clock.jump(timedelta(minutes=5))
    with pytest.raises(PinWrong):
        _act(plane, actor, vault)


def test_pin_of_somebody_else_is_no_pin(plane: Plane, ada: Actor) -> None:
    vault, other = add_vault(plane), add_person(plane, "bob").actor

    with pytest.raises(PinWrong):
        _act(plane, replace(other, pin=_with_pin(plane, ada).pin), vault)


def test_five_wrong_attempts_void_the_pin(plane: Plane, ada: Actor) -> None:
    vault, actor = add_vault(plane), _with_pin(plane, ada)
    for _attempt in range(PIN_ATTEMPTS):
        stepping_up.count_attempt(plane, actor.id, "wrong")

    with pytest.raises(PinWrong):
        _act(plane, actor, vault)


def test_lab_vault_needs_no_pin(plane: Plane, ada: Actor) -> None:
    vault = add_vault(plane, is_lab=True)

    _act(plane, ada, vault)


def test_approval_is_good_once_for_the_very_request(plane: Plane, ada: Actor) -> None:
    vault, actor = add_vault(plane, four_eyes=True), _with_pin(plane, ada)
    approved = replace(actor, approval=_approved(plane, actor, vault))

    with pytest.raises(ApprovalNeeded):
        _act(plane, actor, vault)
    with pytest.raises(ApprovalNotGood):
        _act(plane, approved, vault, {**REQUEST, "machine": "m2"})
    _act(plane, approved, vault)

    with pytest.raises(ApprovalNotGood):
        _act(plane, approved, vault)


def test_approval_for_somebody_else_is_not_good(plane: Plane, ada: Actor) -> None:
    vault, actor = add_vault(plane, four_eyes=True), _with_pin(plane, ada)
    bob = add_person(plane, "bob", role=Role.CONTRIBUTOR, vault_id=vault).actor

    approval = _approved(plane, bob, vault)

    with pytest.raises(ApprovalNotGood):
        _act(plane, replace(actor, approval=approval), vault)


def test_approval_of_another_vault_is_not_good(plane: Plane, ada: Actor) -> None:
    one, two = (add_vault(plane, name, four_eyes=True) for name in ("one", "two"))
    actor = _with_pin(plane, ada)

    approval = _approved(plane, actor, one)

    with pytest.raises(ApprovalNotGood):
        _act(plane, replace(actor, approval=approval), two)


@pytest.mark.parametrize("approve", [None, False])
def test_approval_that_was_not_given_allows_nothing(
    plane: Plane, ada: Actor, approve: bool | None
) -> None:
    vault, actor = add_vault(plane, four_eyes=True), _with_pin(plane, ada)
    asked = _asked(plane, actor, vault)
    if approve is not None:
        approvals.decide_approval(plane, _decider(plane, vault), asked, approve=approve)

    with pytest.raises(ApprovalNotGood):
        _act(plane, replace(actor, approval=asked), vault)


def test_approval_expires_after_a_day(plane: Plane, ada: Actor, clock: FakeClock) -> None:
    vault = add_vault(plane, four_eyes=True)
    approval = _approved(plane, ada, vault)

    clock.jump(timedelta(days=1))

    with pytest.raises(ApprovalNotGood):
        _act(plane, replace(_with_pin(plane, ada), approval=approval), vault)
    with pytest.raises(ApprovalDecided):
        approvals.decide_approval(plane, _decider(plane, vault), approval, approve=True)


def test_nobody_approves_their_own_request(plane: Plane) -> None:
    vault = add_vault(plane, four_eyes=True)
    bob = add_person(plane, "bob", role=Role.CONTRIBUTOR, vault_id=vault).actor

    asked = _asked(plane, bob, vault)

    with pytest.raises(ApprovalOwn):
        approvals.decide_approval(plane, bob, asked, approve=True)


def test_decision_stands(plane: Plane, ada: Actor) -> None:
    vault = add_vault(plane, four_eyes=True)
    asked, decider = _asked(plane, ada, vault), _decider(plane, vault)

    approvals.decide_approval(plane, decider, asked, approve=False)

    with pytest.raises(ApprovalDecided):
        approvals.decide_approval(plane, decider, asked, approve=True)


@pytest.mark.parametrize("role", [Role.READER, Role.OPERATOR])
def test_only_contributors_decide(plane: Plane, ada: Actor, role: Role) -> None:
    vault = add_vault(plane, four_eyes=True)
    eve = add_person(plane, "eve", role=role, vault_id=vault).actor

    with pytest.raises(NotAllowed):
        approvals.decide_approval(plane, eve, _asked(plane, ada, vault), approve=True)


def test_approvals_are_listed_to_those_who_see_the_vault(plane: Plane, ada: Actor) -> None:
    vault, other = add_vault(plane, "one"), add_vault(plane, "two")
    ids = [_asked(plane, ada, vault), _asked(plane, ada, vault)]
    _asked(plane, ada, other)
    bob = add_person(plane, "bob", role=Role.READER, vault_id=vault).actor

    first = approvals.list_approvals(plane, bob, Window(limit=1), only_open=True)
    second = approvals.list_approvals(plane, bob, Window(limit=1, after=first.next))

    assert {one.id for one in (*first.items, *second.items)} == set(ids)
    assert second.next is None


def _asked(plane: Plane, actor: Actor, vault: str) -> str:
    asking = replace(actor, is_admin=True)
    return approvals.ask_approval(plane, asking, vault, act="data-delete", request=REQUEST).id


def _decider(plane: Plane, vault: str) -> Actor:
    return add_person(plane, "decider", role=Role.CONTRIBUTOR, vault_id=vault).actor


def _approved(plane: Plane, actor: Actor, vault: str) -> str:
    asked = _asked(plane, actor, vault)
    approvals.decide_approval(plane, _decider(plane, vault), asked, approve=True)
    return asked
