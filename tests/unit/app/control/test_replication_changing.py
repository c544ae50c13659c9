"""Other settings of a replication, ordered by people: who may, what is told, what was ordered last."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.job_errors import ArgumentsWrong
from holdfast.app.control.job_orders import order_job
from holdfast.app.control.job_views import JobView
from holdfast.app.control.jobs import show_job
from holdfast.app.control.plane import Actor
from holdfast.app.control.replication_changing import (
    ReplicationChange,
    change_replication,
    last_change,
)
from holdfast.app.control.replication_errors import ReplicationUnchanged
from holdfast.app.control.step_errors import ApprovalNeeded, PinNeeded
from holdfast.catalog.tables import Alert, Vault
from holdfast.fleet.roles import Role
from holdfast.testing.planes import add_person
from tests.unit.app.control.replication_ground import Ground

# What its host says that it keeps.
HOURS = 24


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.vms(made.one, "db", "web")
    made.replicated("db", "web")
    return made


@pytest.fixture
def operator(ground: Ground) -> Actor:
    return add_person(ground.plane, "olga", role=Role.OPERATOR, vault_id=ground.vault).actor


def change(ground: Ground, actor: Actor | None = None, **wanted: Any) -> JobView:
    (db,) = ground.listed(vm="db")
    wish = msgspec.convert(wanted, ReplicationChange)
    return change_replication(ground.plane, actor or ground.admin, db.id, wish)


def test_only_what_is_to_be_different_is_told_to_its_host(ground: Ground) -> None:
    made = change(ground, every="30s", limits=[], group="")

    detail = show_job(ground.plane, ground.admin, made.id)
    assert (made.machine, made.kind) == ("kvm1", "replicate")
    assert detail.arguments == {
        "vm": "db",
        "to": "berlin",
        "every": "30s",
        "limits": [],
        "group": "",
    }


@pytest.mark.parametrize("wanted", [{}, {"partly": True, "one_way": True}])
def test_what_changes_nothing_is_not_ordered(ground: Ground, wanted: dict[str, Any]) -> None:
    with pytest.raises(ReplicationUnchanged):
        change(ground, **wanted)


def test_what_no_replication_can_be_is_refused_here(ground: Ground) -> None:
    with pytest.raises(ArgumentsWrong):
        change(ground, points=0)


def test_an_operator_sets_all_but_that_points_go_earlier(ground: Ground, operator: Actor) -> None:
    change(ground, operator, points=HOURS)
    with pytest.raises(NotAllowed):
        change(ground, operator, points=HOURS - 1)


def test_nor_by_an_order_to_the_host(ground: Ground, operator: Actor) -> None:
    arguments = {"vm": "db", "to": "berlin", "points": HOURS - 1}

    with pytest.raises(NotAllowed):
        order_job(ground.plane, operator, ground.one.id, kind="replicate", arguments=arguments)


def test_that_points_go_earlier_is_proven_agreed_to_and_told(ground: Ground) -> None:
    with pytest.raises(PinNeeded):
        change(ground, points=HOURS - 1)
    with ground.plane.database.write() as db:
        db.get_one(Vault, ground.vault).four_eyes = True
    with pytest.raises(ApprovalNeeded, match="retention-shorten"):
        change(ground, ground.sure, points=HOURS - 1)
    with ground.plane.database.write() as db:
        db.get_one(Vault, ground.vault).four_eyes = False

    change(ground, ground.sure, points=HOURS - 1)

    with ground.plane.database.read() as db:
        told = [(one.kind, one.fields["object"]) for one in db.query(Alert)]
    assert ("retention-shorter", "berlin/db") in told


def test_a_reader_changes_nothing(ground: Ground) -> None:
    reader = add_person(ground.plane, "rita", role=Role.READER, vault_id=ground.vault)

    with pytest.raises(NotAllowed):
        change(ground, reader.actor, every="5m")


def test_the_last_order_is_that_of_its_own_machine(ground: Ground) -> None:
    (db,), (web,) = ground.listed(vm="db"), ground.listed(vm="web")
    made = change(ground, priority=3)

    found = last_change(ground.plane, ground.admin, db.id)

    assert found is not None
    assert found.id == made.id
    assert last_change(ground.plane, ground.admin, web.id) is None
