from pathlib import Path

import pytest

from holdfast.hypervisor.domain_identity import DiskPlace, NetworkPlace, with_identity
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.machines.disk_files import DiskFile
from holdfast.machines.disk_writing import Written
from holdfast.machines.new_identity import (
    Chance,
    Wish,
    disks_taken_out,
    identity_of,
    parse_network,
)

XML = (Path(__file__).parents[1] / "hypervisor" / "domains" / "everything.xml").read_text()
SPEC = read_domain(XML)
NEW = "11111111-2222-3333-4444-555555555555"
CHANCE = Chance(new_uuid=lambda: NEW, token=lambda count: bytes(range(count)))
FOLDER = Path("/srv/back")


def disk(target: str) -> DiskFile:
    path = Path("/tmp/partial") / f"{target}.qcow2"
    return DiskFile(target=target, path=path, format="qcow2", size=1, written=Written())


def test_a_new_machine_shares_nothing_with_the_old_one() -> None:
    identity = identity_of(SPEC, Wish(name="back", folder=FOLDER), [disk("vda")], CHANCE)

    new = read_domain(with_identity(XML, identity))
    assert (new.name, new.uuid, new.generation_id) == ("back", NEW, NEW)
    assert new.firmware.nvram == "/srv/back/nvram.fd"
    assert not {nic.mac for nic in new.nics} & {nic.mac for nic in SPEC.nics}
    assert {nic.mac[:8] for nic in new.nics if nic.mac} == {
        nic.mac[:8] for nic in SPEC.nics if nic.mac
    }
    assert new.host_devices == ()
    olds = {disk.source for disk in SPEC.data_disks}
    assert not {disk.source for disk in new.data_disks} & olds


def test_disks_lie_in_the_folder_and_those_not_restored_are_taken_out() -> None:
    identity = identity_of(SPEC, Wish(name="back", folder=FOLDER), [disk("vda")], CHANCE)

    assert identity.disks["vda"] == DiskPlace(path="/srv/back/vda.qcow2", format="qcow2")
    others = {each.target for each in SPEC.data_disks} - {"vda"}
    assert set(disks_taken_out(identity)) == others != set()


def test_who_keeps_the_identity_still_learns_that_time_went_back() -> None:
    wish = Wish(name=SPEC.name, folder=FOLDER, keeps_identity=True)

    new = read_domain(with_identity(XML, identity_of(SPEC, wish, [disk("vda")], CHANCE)))

    assert (new.name, new.uuid, new.nics) == (SPEC.name, SPEC.uuid, SPEC.nics)
    assert new.generation_id == NEW
    assert new.host_devices == SPEC.host_devices


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("default=lab", NetworkPlace(name="lab")),
        ("default=bridge:br1", NetworkPlace(name="br1", is_bridge=True)),
        ("default=none", None),
    ],
)
def test_networks_are_mapped(text: str, place: NetworkPlace | None) -> None:
    assert parse_network(text) == ("default", place)


@pytest.mark.parametrize("text", ["", "default", "=lab", "default="])
def test_what_maps_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        parse_network(text)


def test_new_machine_gets_nothing_of_the_host_it_names() -> None:
    shared = XML.replace("<shareable/>", "<readonly/>")
    wish = Wish(name="back", folder=FOLDER)

    new = read_domain(with_identity(shared, identity_of(read_domain(shared), wish, [], CHANCE)))

    assert [disk.source for disk in new.disks] == [None, None, None]
    assert new.shared_folders == ()
