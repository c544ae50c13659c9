"""Sites: where replicas are taken in, and who may write there."""

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.app.control.errors import AlreadyThere, NotAllowed, NotThere
from holdfast.app.control.job_orders import order_job
from holdfast.app.control.machines import revoke_machine
from holdfast.app.control.replication_ends import end_replication
from holdfast.app.control.replication_errors import (
    MachineIsSite,
    ReplicaBeingRemoved,
    ReplicationsNotUnderstood,
    SiteInUse,
    SiteNotUnderstood,
)
from holdfast.app.control.replication_grants import want
from holdfast.app.control.sites import (
    NewSite,
    add_site,
    list_replicas,
    list_sites,
    read_address,
    remove_site,
    show_site,
)
from holdfast.catalog.tables import Certificate
from holdfast.fleet.paging import Window
from holdfast.fleet.replication_messages import ReplicationRoles, ReplicationWanted, WriterGrant
from holdfast.fleet.roles import Role
from holdfast.replication.replica_errors import ReplicaOfAnother
from holdfast.testing.planes import add_machine, add_person, add_vault
from tests.unit.app.control.replication_ground import Ground, uuid_of


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def test_a_site_is_reached_by_what_its_machine_calls_itself(ground: Ground) -> None:
    made = ground.site()

    assert (made.host, made.port, made.state) == ("far", 9443, "waiting")
    assert show_site(ground.plane, ground.admin, "berlin") == made
    assert show_site(ground.plane, ground.admin, made.id) == made


def test_a_site_may_have_an_address_of_its_own(ground: Ground) -> None:
    made = ground.site(address="10.0.0.7:9500")

    assert (made.host, made.port) == ("10.0.0.7", 9500)


@pytest.mark.parametrize(
    ("address", "read"),
    [("far", ("far", 9443)), ("[fd00::1]:7", ("fd00::1", 7)), ("", ("", 9443))],
)
def test_addresses_are_read(address: str, read: tuple[str, int]) -> None:
    assert read_address(address) == read


@pytest.mark.parametrize("address", ["a b", "host:0", "host:99999", "u@host", "host/x", ":1", "[1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SiteNotUnderstood):
        read_address(address)


@pytest.mark.parametrize(
    "wrong", [{"folder": "replicas"}, {"folder": "/"}, {"name": "../x"}, {"name": ""}]
)
def test_names_and_folders_that_lead_elsewhere_are_refused(
    ground: Ground, wrong: dict[str, str]
) -> None:
    good = NewSite(name="berlin", machine_id=ground.far.id, folder="/srv/replicas")

    with pytest.raises(SiteNotUnderstood):
        add_site(ground.plane, ground.admin, replace(good, **wrong))


def test_a_machine_is_one_site_and_a_name_means_one(ground: Ground) -> None:
    ground.site()
    again = NewSite(name="berlin", machine_id=ground.one.id, folder="/srv")

    with pytest.raises(MachineIsSite):
        ground.site("paris")
    with pytest.raises(AlreadyThere):
        add_site(ground.plane, ground.admin, again)


def test_the_same_request_makes_one_site(ground: Ground) -> None:
    asked = replace(ground.admin, key="once")
    new = NewSite(name="berlin", machine_id=ground.far.id, folder="/srv")

    found = [add_site(ground.plane, asked, new) for _time in range(2)]

    assert found[0] == found[1]


def test_an_operator_adds_no_site_and_sees_those_of_the_vault(ground: Ground) -> None:
    person = add_person(ground.plane, "op", role=Role.OPERATOR, vault_id=ground.vault).actor
    stranger = add_person(ground.plane, "else").actor
    new = NewSite(name="paris", machine_id=ground.one.id, folder="/srv")
    ground.site()

    with pytest.raises(NotAllowed):
        add_site(ground.plane, person, new)

    assert [one.name for one in list_sites(ground.plane, person, Window()).items] == ["berlin"]
    assert list_sites(ground.plane, stranger, Window()).items == []


def test_a_site_tells_what_lies_there(ground: Ground) -> None:
    ground.site()

    ground.tell_site("db", "web", bytes_free=5, bytes_total=9)

    seen = show_site(ground.plane, ground.admin, "berlin")
    page = list_replicas(ground.plane, ground.admin, "berlin", Window(limit=1))
    assert (seen.state, seen.replicas, seen.bytes_free) == ("ok", 2, 5)
    assert [one.name for one in page.items] == ["db"]
    rest = list_replicas(ground.plane, ground.admin, "berlin", Window(after=page.next))
    assert [one.name for one in rest.items] == ["web"]


def test_a_site_in_use_is_not_removed(ground: Ground) -> None:
    ground.site()
    ground.tell_site("db")

    with pytest.raises(SiteInUse):
        remove_site(ground.plane, ground.admin, "berlin")


def test_hosts_clean_up_after_a_site_that_was_removed_nevertheless(ground: Ground) -> None:
    ground.site()
    ground.replicated("db")

    remove_site(ground.plane, ground.admin, "berlin", force=True)

    source = ground.roles(ground.one).source
    assert source is not None
    assert [(one.vm, one.site, one.keep_replica) for one in source.ended] == [
        (uuid_of("db"), "berlin", True)
    ]
    assert ground.roles(ground.far) == ReplicationRoles(etag="")


def test_a_machine_with_nothing_to_replicate_has_no_role(ground: Ground) -> None:
    ground.site()

    assert ground.roles(ground.one) == ReplicationRoles(etag="")


def test_hosts_with_machines_know_the_sites_of_their_vault(ground: Ground) -> None:
    ground.site()
    ground.vms(ground.one, "db")

    role = ground.roles(ground.one)

    assert role.source is not None
    assert [(one.site, one.machine, one.host) for one in role.source.sites] == [
        ("berlin", ground.far.id, "far")
    ]


def test_who_asks_may_write_that_replica(ground: Ground) -> None:
    ground.site()
    before = ground.roles(ground.far)

    found = [ground.want("db") for _time in range(2)]

    after = ground.roles(ground.far)
    assert found[0] == found[1]
    assert found[0].machine == ground.far.id
    assert after.site is not None
    assert after.site.grants == [WriterGrant(vm=uuid_of("db"), machine=ground.one.id)]
    assert before.etag != after.etag


@pytest.mark.parametrize("vm", ["../x", "", "a/b", ".", "a" * 200])
def test_a_machine_whose_id_could_lead_elsewhere_is_refused(ground: Ground, vm: str) -> None:
    ground.site()
    wanted = ReplicationWanted(vm=vm, name="db", site="berlin")

    with pytest.raises(ReplicationsNotUnderstood):
        want(ground.plane, ground.one.actor, wanted)


def test_another_host_does_not_get_hold_of_it(ground: Ground) -> None:
    ground.site()
    ground.want("db")

    with pytest.raises(ReplicaOfAnother):
        ground.want("db", ground.two)


def test_a_host_takes_over_when_somebody_ordered_it(ground: Ground) -> None:
    ground.site()
    ground.replicated("db")
    order_job(
        ground.plane,
        ground.admin,
        ground.two.id,
        kind="replicate",
        arguments={"vm": "db", "to": "berlin"},
    )

    ground.want("db", ground.two)

    role = ground.roles(ground.far).site
    assert role is not None
    assert role.grants == [WriterGrant(vm=uuid_of("db"), machine=ground.two.id)]


def test_the_site_of_another_vault_is_not_there_until_it_is_ordered(ground: Ground) -> None:
    ground.site()
    other = add_machine(ground.plane, add_vault(ground.plane, "other"), "kvm9")
    with pytest.raises(NotThere):
        ground.want("db", other)

    order_job(
        ground.plane,
        ground.admin,
        other.id,
        kind="replicate",
        arguments={"vm": "db", "to": "berlin"},
    )

    assert ground.want("db", other).machine == ground.far.id


def test_who_may_not_use_a_site_orders_nothing_to_it(ground: Ground) -> None:
    ground.site()
    vault = add_vault(ground.plane, "other")
    other = add_machine(ground.plane, vault, "kvm9")
    person = add_person(ground.plane, "op", role=Role.OPERATOR, vault_id=vault).actor

    with pytest.raises(NotAllowed):
        order_job(
            ground.plane,
            person,
            other.id,
            kind="replicate",
            arguments={"vm": "db", "to": "berlin"},
        )


def test_an_operator_pauses_and_does_not_end(ground: Ground) -> None:
    person = add_person(ground.plane, "op", role=Role.OPERATOR, vault_id=ground.vault).actor

    def order(kind: str) -> str:
        arguments = {"vm": "db"}
        return order_job(ground.plane, person, ground.one.id, kind=kind, arguments=arguments).state

    assert order("replication-pause") == "waiting"
    with pytest.raises(NotAllowed):
        order("replication-disable")


def test_who_was_revoked_writes_no_more(ground: Ground) -> None:
    ground.site()
    ground.replicated("db")

    revoke_machine(ground.plane, ground.admin, ground.one.id)

    role = ground.roles(ground.far).site
    assert role is not None
    assert role.grants == []
    assert role.revoked == [ground.one.fingerprint]


def test_sources_know_of_a_sites_certificates_that_were_taken_back(ground: Ground) -> None:
    ground.site()
    with ground.plane.database.write() as db:
        db.get_one(Certificate, ground.far.fingerprint).revoked_at = ground.clock.now()
        db.add(
            Certificate(
                fingerprint="b" * 64,
                machine_id=ground.far.id,
                issued_at=ground.clock.now(),
                expires_at=ground.clock.now().replace(year=2030),
            )
        )

    assert ground.want("db").revoked == [ground.far.fingerprint]


def test_a_replica_that_is_still_to_go_is_not_begun_anew(ground: Ground) -> None:
    ground.site()
    ground.replicated("db")
    ground.tell_site("db")
    end_replication(ground.plane, ground.sure, ground.only().id)
    with pytest.raises(ReplicaBeingRemoved):
        ground.want("db")

    ground.tell_site()

    assert ground.want("db").site == "berlin"
