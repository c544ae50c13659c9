"""Vaults: made where they can lie, kept as they were promised, deleted softly."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control import grants, stepping_up, vaults
from holdfast.app.control.errors import AlreadyThere, NotAllowed, NotThere
from holdfast.app.control.passwords import hash_password
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.step_errors import PinNeeded
from holdfast.app.control.vault_errors import (
    LocationNotUsable,
    LocationTaken,
    ProtectionLocked,
    VaultInUse,
    VaultKept,
    VaultSettingWrong,
)
from holdfast.app.control.vault_settings import Immutability, SoftDelete, Wanted
from holdfast.app.control.vaults import VaultFacts
from holdfast.base.errors import HoldfastError
from holdfast.catalog.tables import Account, Machine
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.storage.errors import PlaceMissing
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_machine, add_person, add_vault, make_plane

PASSWORD = "four random words here"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


@pytest.fixture
def admin(plane: Plane) -> Actor:
    return add_admin(plane).actor


@pytest.fixture
def sure(plane: Plane, admin: Actor) -> Actor:
    """The administrator with a PIN."""
    with plane.database.write() as db:
        db.get_one(Account, admin.id).password_hash = hash_password(PASSWORD)
    return replace(admin, pin=stepping_up.make_pin(plane, admin, password=PASSWORD).pin)


def test_vault_is_made_in_a_folder_that_is_made_for_it(
    plane: Plane, admin: Actor, tmp_path: Path
) -> None:
    place = tmp_path / "backup" / "main"

    made = vaults.create_vault(plane, admin, name="main", location=f"{place}/")

    assert vaults.show_vault(plane, admin, "main") == made
    assert made.location == str(place)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("relative/folder", LocationNotUsable),
        ("memory:gone", LocationNotUsable),
        ("/proc/nothing-can-be-made-here", HoldfastError),
        ("ftp://host/place", HoldfastError),
    ],
)
def test_place_that_cannot_hold_a_vault_is_refused(
    plane: Plane, admin: Actor, location: str, error: type[HoldfastError]
) -> None:
    with pytest.raises(error):
        vaults.create_vault(plane, admin, name="main", location=location)

    assert vaults.list_vaults(plane, admin, Window()).items == []


@pytest.mark.parametrize("place", ["one", "one/below", "."])
def test_two_vaults_never_share_a_place(
    plane: Plane, admin: Actor, tmp_path: Path, place: str
) -> None:
    vaults.create_vault(plane, admin, name="one", location=str(tmp_path / "one"))

    with pytest.raises(LocationTaken):
        vaults.create_vault(plane, admin, name="two", location=str(tmp_path / place))


def test_folder_beside_another_of_a_longer_name_is_fine(
    plane: Plane, admin: Actor, tmp_path: Path
) -> None:
    vaults.create_vault(plane, admin, name="one", location=str(tmp_path / "one"))

    two = vaults.create_vault(plane, admin, name="two", location=str(tmp_path / "one-more"))

    assert two.name == "two"


def test_repository_of_somebody_is_no_place_for_a_vault(
    plane: Plane, admin: Actor, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config").write_bytes(b"sealed")

    with pytest.raises(LocationTaken):
        vaults.create_vault(plane, admin, name="main", location=str(tmp_path / "old"))


def test_name_is_used_once(plane: Plane, admin: Actor, tmp_path: Path) -> None:
    vaults.create_vault(plane, admin, name="main", location=str(tmp_path / "one"))

    with pytest.raises(AlreadyThere):
        vaults.create_vault(plane, admin, name="main", location=str(tmp_path / "two"))


@pytest.mark.parametrize("name", ["a/b", "", " x", "..", "a\nb", "x" * 65])
def test_name_that_leads_astray_is_refused(plane: Plane, admin: Actor, name: str) -> None:
    with pytest.raises(HoldfastError):
        vaults.create_vault(plane, admin, name=name, location="/nowhere")


def test_broken_place_stays_an_error_with_its_own_code(
    plane: Plane, admin: Actor, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(PlaceMissing):
        vaults.create_vault(plane, admin, name="main", location=str(tmp_path / "file" / "x"))


def test_people_see_the_vaults_they_have_a_role_in(plane: Plane, admin: Actor) -> None:
    mine, _other = add_vault(plane, "mine"), add_vault(plane, "other")
    ada = add_person(plane, "ada", role=Role.READER, vault_id=mine).actor

    seen = vaults.list_vaults(plane, ada, Window()).items

    assert [one.name for one in seen] == ["mine"]
    assert len(vaults.list_vaults(plane, admin, Window()).items) == 2
    with pytest.raises(NotAllowed):
        vaults.show_vault(plane, ada, "other")


def test_vaults_are_listed_in_pages(plane: Plane, admin: Actor) -> None:
    for name in ("c", "a", "b"):
        add_vault(plane, name)

    first = vaults.list_vaults(plane, admin, Window(limit=2))
    second = vaults.list_vaults(plane, admin, Window(limit=2, after=first.next))

    assert [one.name for one in first.items] == ["a", "b"]
    assert [one.name for one in second.items] == ["c"]
    assert second.next is None


def _is_as_wanted(vault: VaultFacts, wanted: Wanted) -> bool:
    asked = {one.name: getattr(wanted, one.name) for one in fields(wanted)}
    return all(getattr(vault, name) == v for name, v in asked.items() if v is not None)


WEAKER: list[tuple[dict[str, Any], Wanted]] = [
    ({"soft_delete": SoftDelete.ON}, Wanted(soft_delete=SoftDelete.OFF)),
    ({"soft_delete_days": 30}, Wanted(soft_delete_days=14)),
    (
        {"immutability": "on", "min_retention_days": 7},
        Wanted(immutability=Immutability.OFF),
    ),
    ({"min_retention_days": 30}, Wanted(min_retention_days=7)),
    ({}, Wanted(is_lab=True)),
]


@pytest.mark.parametrize(("before", "wanted"), WEAKER)
def test_weaker_protection_needs_the_pin(
    plane: Plane, sure: Actor, before: dict[str, Any], wanted: Wanted
) -> None:
    vault = add_vault(plane, **before)

    with pytest.raises(PinNeeded):
        vaults.change_vault(plane, replace(sure, pin=None), vault, wanted)
    changed = vaults.change_vault(plane, sure, vault, wanted)

    assert _is_as_wanted(changed, wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(soft_delete=SoftDelete.ALWAYS_ON, soft_delete_days=30),
        Wanted(immutability=Immutability.LOCKED, min_retention_days=30),
        Wanted(four_eyes=True, quota_bytes=1 << 40, limit_rate=1 << 20, machine_limit=3),
    ],
)
def test_stronger_protection_needs_no_pin(plane: Plane, admin: Actor, wanted: Wanted) -> None:
    vault = add_vault(plane)

    changed = vaults.change_vault(plane, admin, vault, wanted)

    assert _is_as_wanted(changed, wanted)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"soft_delete": "always-on"}, Wanted(soft_delete=SoftDelete.ON)),
        ({"soft_delete": "always-on"}, Wanted(soft_delete=SoftDelete.OFF)),
        ({"soft_delete": "always-on", "soft_delete_days": 30}, Wanted(soft_delete_days=20)),
        (
            {"immutability": "locked", "min_retention_days": 30},
            Wanted(immutability=Immutability.ON),
        ),
        (
            {"immutability": "locked", "min_retention_days": 30},
            Wanted(immutability=Immutability.OFF),
        ),
        ({"immutability": "locked", "min_retention_days": 30}, Wanted(min_retention_days=29)),
    ],
)
def test_what_was_set_for_good_never_goes_back(
    plane: Plane, sure: Actor, before: dict[str, Any], wanted: Wanted
) -> None:
    vault = add_vault(plane, **before)

    with pytest.raises(ProtectionLocked):
        vaults.change_vault(plane, sure, vault, wanted)


def test_locked_retention_may_grow(plane: Plane, admin: Actor) -> None:
    vault = add_vault(plane, immutability="locked", min_retention_days=30)

    changed = vaults.change_vault(plane, admin, vault, Wanted(min_retention_days=60))

    assert changed.min_retention_days == 60


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({}, Wanted(immutability=Immutability.ON)),
        ({}, Wanted(soft_delete_days=3)),
        ({"immutability": "on", "min_retention_days": 7}, Wanted(is_lab=True)),
        ({"soft_delete": "always-on"}, Wanted(is_lab=True)),
        ({"is_lab": True}, Wanted(immutability=Immutability.ON, min_retention_days=7)),
        ({"immutability": "on", "min_retention_days": 7}, Wanted(min_retention_days=0)),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    plane: Plane, sure: Actor, before: dict[str, Any], wanted: Wanted
) -> None:
    vault = add_vault(plane, **before)

    with pytest.raises(VaultSettingWrong):
        vaults.change_vault(plane, sure, vault, wanted)


def test_quota_of_zero_is_none(plane: Plane, admin: Actor) -> None:
    vault = add_vault(plane, quota_bytes=1000)

    changed = vaults.change_vault(plane, admin, vault, Wanted(quota_bytes=0))

    assert changed.quota_bytes is None


def test_deleted_vault_comes_back_until_its_date(
    plane: Plane, sure: Actor, clock: FakeClock
) -> None:
    vault = add_vault(plane)

    deleted = vaults.delete_vault(plane, sure, vault)

    assert deleted.purge_at == clock.now() + timedelta(days=14)
    assert vaults.list_vaults(plane, sure, Window()).items == []
    assert len(vaults.list_vaults(plane, sure, Window(), with_deleted=True).items) == 1
    assert vaults.undelete_vault(plane, sure, vault).deleted_at is None


def test_vault_past_its_date_stays_deleted(plane: Plane, sure: Actor, clock: FakeClock) -> None:
    vault = add_vault(plane)
    vaults.delete_vault(plane, sure, vault)

    clock.jump(timedelta(days=14))

    with pytest.raises(VaultKept):
        vaults.undelete_vault(plane, sure, vault)


@pytest.mark.parametrize("settings", [{"soft_delete": "off"}, {"is_lab": True}])
def test_vault_without_soft_delete_can_be_purged_at_once(
    plane: Plane, sure: Actor, settings: dict[str, Any]
) -> None:
    vault = add_vault(plane, **settings)

    assert vaults.delete_vault(plane, sure, vault).purge_at == plane.clock.now()


def test_vault_with_machines_is_not_deleted(plane: Plane, sure: Actor) -> None:
    vault = add_vault(plane)
    add_machine(plane, vault)

    with pytest.raises(VaultInUse):
        vaults.delete_vault(plane, sure, vault)


@pytest.mark.parametrize(("is_lab", "is_refused"), [(False, True), (True, False)])
def test_softly_deleted_machines_keep_a_vault_but_not_a_lab(
    plane: Plane, sure: Actor, is_lab: bool, is_refused: bool
) -> None:
    vault = add_vault(plane, is_lab=is_lab)
    add_machine(plane, vault, state="deleted")

    if is_refused:
        with pytest.raises(VaultInUse):
            vaults.delete_vault(plane, sure, vault)
    else:
        assert vaults.delete_vault(plane, sure, vault).deleted_at


def test_immutable_data_keeps_its_vault(plane: Plane, sure: Actor) -> None:
    vault = add_vault(plane, immutability="on", min_retention_days=7)
    machine = add_machine(plane, vault, state="unregistered")
    with plane.database.write() as db:
        db.get_one(Machine, machine.id).bytes_stored = 1

    with pytest.raises(ProtectionLocked):
        vaults.delete_vault(plane, sure, vault)


def test_delete_needs_the_pin(plane: Plane, admin: Actor) -> None:
    vault = add_vault(plane)

    with pytest.raises(PinNeeded):
        vaults.delete_vault(plane, admin, vault)


def test_unknown_vault_is_named(plane: Plane, admin: Actor) -> None:
    with pytest.raises(NotThere, match="nowhere"):
        vaults.show_vault(plane, admin, "nowhere")


Act = Callable[[Plane, Actor, str], object]
ACTS: dict[str, tuple[Act, set[str]]] = {
    "create": (
        lambda plane, actor, _v: vaults.create_vault(
            plane, actor, name="new", location="memory:new", is_lab=True
        ),
        {"admin"},
    ),
    "show": (vaults.show_vault, {"admin", "contributor", "operator", "reader"}),
    "change": (
        lambda plane, actor, vault: vaults.change_vault(
            plane, actor, vault, Wanted(machine_limit=9)
        ),
        {"admin", "contributor"},
    ),
    "delete": (vaults.delete_vault, {"admin"}),
    "grant": (
        lambda plane, actor, vault: grants.set_role(
            plane, actor, vault, account="somebody", role=Role.READER
        ),
        {"admin"},
    ),
    "list grants": (
        lambda plane, actor, vault: grants.list_grants(plane, actor, vault, Window()),
        {"admin", "contributor"},
    ),
}


@pytest.mark.parametrize("who", ["admin", "contributor", "operator", "reader", "stranger"])
@pytest.mark.parametrize("act", ACTS)
def test_each_act_is_for_its_roles(plane: Plane, act: str, who: str) -> None:
    vault = add_vault(plane, is_lab=True)
    add_person(plane, "somebody")
    role = Role(who) if who in set(Role) else None
    actor = add_person(plane, role=role, vault_id=vault, is_admin=who == "admin").actor
    do, allowed = ACTS[act]

    if who in allowed:
        do(plane, actor, vault)
    else:
        with pytest.raises(NotAllowed):
            do(plane, actor, vault)


def test_role_is_given_changed_and_taken(plane: Plane, admin: Actor) -> None:
    vault = add_vault(plane)
    ada = add_person(plane, "ada").actor

    grants.set_role(plane, admin, vault, account="ada", role=Role.OPERATOR)
    grants.set_role(plane, admin, vault, account="ada", role=Role.READER)

    (given,) = grants.list_grants(plane, admin, vault, Window()).items
    assert (given.account, given.role) == ("ada", "reader")
    grants.set_role(plane, admin, vault, account="ada", role=None)
    with pytest.raises(NotAllowed):
        vaults.show_vault(plane, ada, vault)
