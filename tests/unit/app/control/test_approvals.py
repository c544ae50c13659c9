"""Whoever approves sees what it is done to, by name."""

from typing import Any

import pytest

from holdfast.app.control.approvals import ApprovalFacts, ask_approval, show_approval
from holdfast.app.control.plane import Plane
from holdfast.catalog.tables import Point
from holdfast.testing.planes import Registered, Someone, add_machine, add_vault


def asked(plane: Plane, admin: Someone, vault: str, request: dict[str, Any]) -> ApprovalFacts:
    made = ask_approval(plane, admin.actor, vault, act="machine-delete", request=request)
    return show_approval(plane, admin.actor, made.id)


def test_request_names_the_machine_and_what_it_has(
    plane: Plane, admin: Someone, vault: str, machine: Registered
) -> None:
    with plane.database.write() as db:
        for number in range(3):
            db.add(
                Point(
                    machine_id=machine.id,
                    id=f"{number}" * 64,
                    taken_at=plane.clock.now(),
                    host="alpha",
                    paths=["/srv"],
                    tags=[],
                )
            )

    shown = asked(plane, admin, vault, {"machine": machine.id, "delete_data": True})

    (subject,) = shown.subjects
    assert (subject.kind, subject.id, subject.name) == ("machine", machine.id, "alpha")
    assert subject.points == 3


def test_vault_is_named_as_well(plane: Plane, admin: Someone, vault: str) -> None:
    shown = asked(plane, admin, vault, {"vault": vault})

    assert [(one.kind, one.name) for one in shown.subjects] == [("vault", "main")]


@pytest.mark.parametrize("wanted", ["no-such-machine", None, 7, ["a"], {"id": "a"}])
def test_what_is_not_there_has_no_name(
    plane: Plane, admin: Someone, vault: str, wanted: Any
) -> None:
    assert asked(plane, admin, vault, {"machine": wanted}).subjects == []


def test_request_does_not_tell_the_names_of_another_vault(
    plane: Plane, admin: Someone, vault: str
) -> None:
    secret = add_machine(plane, add_vault(plane, "other"), "secret")

    assert asked(plane, admin, vault, {"machine": secret.id}).subjects == []
