"""What could cost data, or help to hide it, asks for proof and is told of."""

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.app.control import stepping_up
from holdfast.app.control.alert_rules import NewTarget, add_target, list_alerts, remove_target
from holdfast.app.control.alert_sending import Message
from holdfast.app.control.approvals import ask_approval, decide_approval
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.job_orders import order_job
from holdfast.app.control.machines import unregister_machine
from holdfast.app.control.passwords import hash_password
from holdfast.app.control.plane import Actor
from holdfast.app.control.replication_ends import end_replication, take_end
from holdfast.app.control.step_errors import ApprovalNeeded, PinNeeded
from holdfast.base.texts import speaking
from holdfast.catalog.tables import Account, Vault
from holdfast.fleet.paging import Window
from holdfast.fleet.replication_messages import ReplicationEnded
from holdfast.fleet.roles import Role
from holdfast.testing.planes import add_person
from tests.unit.app.control.replication_ground import Ground, uuid_of

PASSWORD = "four random words here"


class Post:
    def __init__(self, *, takes: bool = True) -> None:
        self.takes, self.asked = takes, list[Message]()

    def __call__(self, message: Message) -> bool:
        self.asked.append(message)
        return self.takes


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.replicated("db")
    return made


def four_eyes(ground: Ground) -> None:
    with ground.plane.database.write() as db:
        db.get_one(Vault, ground.vault).four_eyes = True


def contributor(ground: Ground, name: str = "ada") -> Actor:
    """With a PIN."""
    actor = add_person(ground.plane, name, role=Role.CONTRIBUTOR, vault_id=ground.vault).actor
    with ground.plane.database.write() as db:
        db.get_one(Account, actor.id).password_hash = hash_password(PASSWORD)
    return replace(actor, pin=stepping_up.make_pin(ground.plane, actor, password=PASSWORD).pin)


def told(ground: Ground) -> list[tuple[str, str]]:
    """Kinds and sentences of the acts, the first at first."""
    with speaking("en"):
        page = list_alerts(ground.plane, ground.admin, Window(), is_open=None)
    return [(one.kind, one.sentence) for one in reversed(page.items)]


def test_replica_goes_with_a_pin_only_and_is_told_of(ground: Ground) -> None:
    ada, replication = contributor(ground), ground.only().id

    with pytest.raises(PinNeeded):
        end_replication(ground.plane, replace(ada, pin=None), replication)
    assert len(ground.listed()) == 1
    end_replication(ground.plane, ada, replication)

    assert ground.listed() == []
    assert told(ground) == [
        (
            "replica-removed",
            "ada ended a replication: the replica berlin/db goes, with all its points.",
        )
    ]


def test_replica_that_is_kept_needs_no_pin(ground: Ground) -> None:
    ada = replace(contributor(ground), pin=None)

    end_replication(ground.plane, ada, ground.only().id, keep_replica=True)

    assert (ground.listed(), told(ground)) == ([], [])


def test_replica_of_a_vault_with_four_eyes_needs_a_second_person(ground: Ground) -> None:
    four_eyes(ground)
    ada, eve, replication = contributor(ground), contributor(ground, "eve"), ground.only().id

    with pytest.raises(ApprovalNeeded):
        end_replication(ground.plane, ada, replication)
    request = {"replication": replication, "keep_replica": False}
    asked = ask_approval(ground.plane, ada, ground.vault, act="replica-delete", request=request)
    decide_approval(ground.plane, eve, asked.id, approve=True)
    end_replication(ground.plane, replace(ada, approval=asked.id), replication)

    assert ground.listed() == []


def test_order_to_the_host_is_no_way_around(ground: Ground) -> None:
    ada = contributor(ground)

    def order(actor: Actor, *, keep_replica: bool) -> None:
        arguments = {"vm": "db", "keep_replica": keep_replica}
        order_job(
            ground.plane, actor, ground.one.id, kind="replication-disable", arguments=arguments
        )

    with pytest.raises(PinNeeded):
        order(replace(ada, pin=None), keep_replica=False)
    order(replace(ada, pin=None), keep_replica=True)
    assert told(ground) == []
    order(ada, keep_replica=False)

    assert [kind for kind, _sentence in told(ground)] == ["replica-removed"]


def test_host_that_has_a_replica_removed_is_told_of(ground: Ground) -> None:
    ended = ReplicationEnded(
        vm=uuid_of("db"), site="berlin", keep_replica=False, is_gone_at_site=True
    )

    for _time in range(2):
        take_end(ground.plane, ground.one.actor, ended)

    (one,) = told(ground)
    assert one[0] == "replica-removed"
    assert one[1].startswith("kvm1 ")


def test_place_alerts_go_to_hears_last_that_it_is_removed(ground: Ground) -> None:
    ada, post = contributor(ground), Post()
    place = NewTarget(name="ops", url="json://ops/", vault=ground.vault)
    target = add_target(ground.plane, ada, place, check=lambda _url: None)
    unregister_machine(ground.plane, ada, ground.two.id, delete_data=True)
    ground.minutes(1)

    remove_target(ground.plane, ada, target.id, send=post)

    sent = post.asked
    assert [one.url for one in sent] == ["json://ops/"] * 2
    assert "ada deleted kvm2" in sent[0].body
    assert "ada removed ops" in sent[1].body
    assert told(ground)[-1][0] == "alert-target-removed"


def test_place_that_cannot_be_reached_can_be_removed(ground: Ground) -> None:
    ada, post = contributor(ground), Post(takes=False)
    place = NewTarget(name="ops", url="json://ops/", vault=ground.vault)
    target = add_target(ground.plane, ada, place, check=lambda _url: None)
    unregister_machine(ground.plane, ada, ground.two.id, delete_data=True)
    ground.minutes(1)

    remove_target(ground.plane, ada, target.id, send=post)

    assert len(post.asked) == 1
    assert told(ground)[-1][0] == "alert-target-removed"


def test_operator_ends_no_replication(ground: Ground) -> None:
    operator = add_person(ground.plane, "op", role=Role.OPERATOR, vault_id=ground.vault).actor

    with pytest.raises(NotAllowed):
        end_replication(ground.plane, operator, ground.only().id, keep_replica=True)
