"""Machines that move from host to host, and what becomes of their replication."""

from pathlib import Path

import pytest

from holdfast.app.control import replication_watch
from holdfast.app.control.machines import unregister_machine
from holdfast.app.control.replication_ends import take_end
from holdfast.fleet.replication_messages import ReplicationEnded, WriterGrant
from holdfast.replication.status import State
from holdfast.testing.planes import add_machine, add_vault
from tests.unit.app.control.replication_ground import Ground, uuid_of


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.vms(made.one, "db")
    made.vms(made.two, "other")
    made.replicated("db")
    return made


def grants(ground: Ground) -> list[WriterGrant]:
    site = ground.roles(ground.far).site
    assert site is not None
    return site.grants


def test_it_goes_on_at_the_host_it_moved_to(ground: Ground) -> None:
    ground.vms(ground.two, "db", "other")
    ground.vms(ground.one)

    new, old = ground.roles(ground.two).source, ground.roles(ground.one).source
    assert grants(ground) == [WriterGrant(vm=uuid_of("db"), machine=ground.two.id)]
    assert new is not None
    (handed,) = new.handovers
    assert (handed.vm, handed.site, handed.came_from) == (uuid_of("db"), "berlin", ground.one.id)
    assert handed.settings["name"] == "db"
    assert old is not None
    assert [(one.why, one.keep_replica) for one in old.ended] == [("moved", True)]


def test_where_it_is_replicated_to_is_not_for_the_host_before_to_say(ground: Ground) -> None:
    """It may have fallen, and would have another host send its machine's disks to itself."""
    forged = ground.report("db")
    forged.settings["to"] = {"site": "berlin", "machine": ground.one.id, "host": "kvm1"}
    forged.settings["hypervisor"] = "qemu+ssh://kvm1/system"
    ground.tell(forged)

    ground.vms(ground.two, "db", "other")
    ground.vms(ground.one)

    source = ground.roles(ground.two).source
    assert source is not None
    (handed,) = source.handovers
    assert handed.settings["to"]["machine"] == ground.far.id
    assert handed.settings["to"]["host"] == "far"
    assert "hypervisor" not in handed.settings


def test_the_order_in_which_hosts_tell_does_not_matter(ground: Ground) -> None:
    ground.vms(ground.one)
    assert ground.roles(ground.two).look_for == [uuid_of("db")]

    ground.vms(ground.two, "db", "other")

    assert grants(ground) == [WriterGrant(vm=uuid_of("db"), machine=ground.two.id)]
    assert ground.roles(ground.two).look_for == []


def test_the_handover_is_over_when_the_new_host_tells_of_it(ground: Ground) -> None:
    ground.vms(ground.two, "db", "other")
    ground.vms(ground.one)

    ground.tell(ground.report("db"), host=ground.two)
    ended = ReplicationEnded(
        vm=uuid_of("db"), site="berlin", keep_replica=True, is_gone_at_site=False
    )
    take_end(ground.plane, ground.one.actor, ended)

    new, old = ground.roles(ground.two).source, ground.roles(ground.one).source
    assert new is not None
    assert old is None or old.ended == []
    assert (new.handovers, ground.only().machine, ground.only().state) == (
        [],
        "kvm2",
        "replicating",
    )


def test_one_host_that_says_so_is_not_enough(ground: Ground) -> None:
    ground.vms(ground.two, "db", "other")

    assert grants(ground) == [WriterGrant(vm=uuid_of("db"), machine=ground.one.id)]


def test_a_host_of_another_vault_gets_nothing(ground: Ground) -> None:
    foreign = add_machine(ground.plane, add_vault(ground.plane, "other"), "kvm9")
    ground.everybody_lives()
    ground.vms(foreign, "db")

    ground.vms(ground.one)

    assert grants(ground) == [WriterGrant(vm=uuid_of("db"), machine=ground.one.id)]


def test_a_host_that_is_silent_may_have_had_it_long_ago(ground: Ground) -> None:
    ground.vms(ground.two, "db", "other")
    ground.minutes(30, but=(ground.two,))

    ground.vms(ground.one)

    assert grants(ground) == [WriterGrant(vm=uuid_of("db"), machine=ground.one.id)]


def test_it_may_go_there_and_back(ground: Ground) -> None:
    ground.vms(ground.two, "db", "other")
    ground.vms(ground.one)

    ground.vms(ground.one, "db")
    ground.vms(ground.two, "other")

    first, second = ground.roles(ground.one).source, ground.roles(ground.two).source
    assert grants(ground) == [WriterGrant(vm=uuid_of("db"), machine=ground.one.id)]
    assert first is not None
    assert (first.ended, len(first.handovers)) == ([], 1)
    assert second is not None
    assert [one.why for one in second.ended] == ["moved"]


def test_what_is_nowhere_is_not_registered(ground: Ground) -> None:
    ground.vms(ground.one)
    replication_watch.watch(ground.plane)
    soon = ground.only().state

    ground.minutes(6)
    replication_watch.watch(ground.plane)

    assert soon == "replicating"
    assert (ground.only().state, ground.only().health) == ("host-not-registered", "critical")
    assert ground.alerts() == [("replication-critical", "db")]


def test_what_comes_back_goes_on(ground: Ground) -> None:
    ground.vms(ground.one)
    ground.minutes(6)
    replication_watch.watch(ground.plane)

    ground.vms(ground.one, "db")
    ground.tell(ground.report("db"))
    replication_watch.watch(ground.plane)

    assert (ground.only().state, ground.only().health) == ("replicating", "normal")
    assert ground.alerts() == []


def test_a_host_may_notice_before_it_lists_its_machines(ground: Ground) -> None:
    ground.tell(ground.report("db", state=State.HOST_NOT_REGISTERED))

    assert ground.roles(ground.two).look_for == [uuid_of("db")]


def test_what_was_on_a_host_that_left_goes_on_where_it_is_found(ground: Ground) -> None:
    unregister_machine(ground.plane, ground.admin, ground.one.id, delete_data=False)

    ground.vms(ground.two, "db", "other")

    assert grants(ground) == [WriterGrant(vm=uuid_of("db"), machine=ground.two.id)]


def test_machines_of_a_hypervisor_that_is_not_listed_are_not_missed(ground: Ground) -> None:
    ground.replicated("far-away")

    ground.vms(ground.one, "db", "new")
    ground.minutes(10)
    replication_watch.watch(ground.plane)

    assert {one.state for one in ground.listed()} <= {"replicating", "off"}
