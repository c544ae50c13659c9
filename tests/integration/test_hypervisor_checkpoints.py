"""Checkpoints of a real machine, with the bitmaps that are lost in a power cut."""

from collections.abc import Iterator

import pytest

from holdfast.hypervisor.checkpoint_xml import is_ours, new_name
from holdfast.hypervisor.checkpoints import (
    Removal,
    changed_bytes,
    create_checkpoint,
    delete_checkpoint,
    forget_checkpoint,
    list_checkpoints,
    redefine_checkpoint,
    stored_form,
)
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.hypervisor.errors import (
    CheckpointExists,
    CheckpointMissing,
    HypervisorIncapable,
    TrackingLost,
    VmNotRunning,
)
from holdfast.testing.guests import Guest, Recipe
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS

BOTH = ("vda", "vdb")


@pytest.fixture
def domain(lasting_domain: Domain) -> Iterator[Domain]:
    yield lasting_domain
    for checkpoint in list_checkpoints(lasting_domain):
        delete_checkpoint(lasting_domain, checkpoint.name)


@pytest.fixture
def paused(hypervisor: Host, new_guest: NewGuest) -> Domain:
    """A machine started, and paused before its first instruction."""
    domain = find_domain(hypervisor, new_guest().uuid)
    domain.start(paused=True)
    return domain


def test_checkpoint_tells_exactly_what_changed_since(domain: Domain, lasting_guest: Guest) -> None:
    first, second = new_name(), new_name()
    create_checkpoint(domain, first, disks=BOTH)
    lasting_guest.run("dd if=/dev/urandom of=/dev/vdb seek=50 bs=1M count=2 conv=fsync 2>/dev/null")
    create_checkpoint(domain, second, disks=("vdb",))

    listed = list_checkpoints(domain)

    assert [checkpoint.name for checkpoint in listed] == [first, second]
    assert [checkpoint.disks for checkpoint in listed] == [BOTH, ("vdb",)]
    assert all(is_ours(checkpoint.name) for checkpoint in listed)
    assert changed_bytes(domain, first)["vdb"] >= 2 << 20
    assert changed_bytes(domain, first).keys() == {"vda", "vdb"}
    assert changed_bytes(domain, second) == {"vdb": 0}


def test_deleting_one_checkpoint_costs_the_others_nothing(
    domain: Domain, lasting_guest: Guest
) -> None:
    first, second, third = new_name(), new_name(), new_name()
    for name in (first, second, third):
        create_checkpoint(domain, name, disks=BOTH)
        lasting_guest.run(
            "dd if=/dev/urandom of=/dev/vdb seek=50 bs=1M count=1 conv=fsync 2>/dev/null"
        )

    removals = [delete_checkpoint(domain, name) for name in (second, second)]

    assert removals == [Removal.REMOVED, Removal.ABSENT]
    assert changed_bytes(domain, first)["vdb"] >= 1 << 20
    assert changed_bytes(domain, third)["vdb"] >= 1 << 20


def test_name_is_not_taken_twice(domain: Domain) -> None:
    name = new_name()
    create_checkpoint(domain, name, disks=BOTH)

    with pytest.raises(CheckpointExists):
        create_checkpoint(domain, name, disks=BOTH)


def test_forgotten_checkpoint_leaves_its_bitmap_and_is_made_known_again(domain: Domain) -> None:
    name = new_name()
    create_checkpoint(domain, name, disks=BOTH)
    stored = stored_form(domain, name)

    assert forget_checkpoint(domain, name) is Removal.FORGOTTEN
    assert list_checkpoints(domain) == []
    with pytest.raises(CheckpointExists):
        create_checkpoint(domain, name, disks=BOTH)
    redefine_checkpoint(domain, stored)

    assert changed_bytes(domain, name).keys() == {"vda", "vdb"}
    assert delete_checkpoint(domain, name) is Removal.REMOVED


def test_checkpoint_without_its_bitmap_is_not_made_known(domain: Domain) -> None:
    name = new_name()
    create_checkpoint(domain, name, disks=BOTH)
    stored = stored_form(domain, name)
    delete_checkpoint(domain, name)

    with pytest.raises(TrackingLost):
        redefine_checkpoint(domain, stored)

    assert list_checkpoints(domain) == []


def test_checkpoint_that_is_not_there_is_said_so(domain: Domain) -> None:
    with pytest.raises(CheckpointMissing):
        changed_bytes(domain, new_name())
    assert delete_checkpoint(domain, new_name()) is Removal.ABSENT
    assert forget_checkpoint(domain, new_name()) is Removal.ABSENT


def test_clean_stop_keeps_checkpoints(paused: Domain) -> None:
    name = new_name()
    create_checkpoint(paused, name, disks=BOTH)

    paused.destroy(graceful=True)
    with pytest.raises(VmNotRunning):
        changed_bytes(paused, name)
    with pytest.raises(VmNotRunning):
        create_checkpoint(paused, new_name(), disks=BOTH)
    with pytest.raises(VmNotRunning):
        delete_checkpoint(paused, name)
    paused.start(paused=True)

    assert changed_bytes(paused, name) == {"vda": 0, "vdb": 0}


def test_power_cut_loses_the_bitmaps_and_deleting_still_works(
    hypervisor: Host, new_guest: NewGuest
) -> None:
    guest = new_guest()
    domain = find_domain(hypervisor, guest.uuid)
    domain.start(paused=True)
    stored, unstored = new_name(), new_name()
    create_checkpoint(domain, stored, disks=BOTH)
    domain.destroy(graceful=True)
    domain.start(paused=True)
    create_checkpoint(domain, unstored, disks=BOTH)

    guest.pull_the_plug()
    domain.start(paused=True)

    # One stands in the images as "in use", of the other there is no trace.
    for name in (stored, unstored):
        with pytest.raises(TrackingLost):
            changed_bytes(domain, name)
        assert delete_checkpoint(domain, name) is not Removal.ABSENT
    assert list_checkpoints(domain) == []
    create_checkpoint(domain, new_name(), disks=BOTH)


@pytest.mark.parametrize("recipe", [Recipe(format="raw"), Recipe(compat="0.10")])
def test_disk_that_cannot_be_tracked_says_so(
    hypervisor: Host, new_guest: NewGuest, recipe: Recipe
) -> None:
    domain = find_domain(hypervisor, new_guest(recipe).uuid)
    domain.start(paused=True)

    with pytest.raises(HypervisorIncapable):
        create_checkpoint(domain, new_name(), disks=("vda",))

    assert list_checkpoints(domain) == []
