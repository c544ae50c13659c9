"""What a machine becomes elsewhere, and what it is again at home."""

import uuid
from typing import Any

import pytest

from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.recovery.card_ports import Offer
from holdfast.recovery.networks import Because, Line, NetworksHere
from holdfast.recovery.promoted_definition import NewHome, NewIds, come_home, connected, moved

UUID = "6f1c9a04-b2d8-4e35-9c41-41d2aa000001"
GENERATION = "holdfast-00000000000000aa"
IDS = NewIds(act="act1", generation=GENERATION)
MAC = "52:54:00:00:00:01"
XML = f"""<domain type='kvm'><name>web</name><uuid>{UUID}</uuid>
<genid>11111111-2222-4333-8444-555555555555</genid>
<memory unit='KiB'>1048576</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><loader type='pflash'>/usr/share/code.fd</loader>
<nvram>/old/web.fd</nvram></os><devices>
<disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/>
<source dev='/dev/vg/a'/><target dev='vda' bus='virtio'/><serial>kept</serial></disk>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/old/scratch'/>
<target dev='vdb' bus='virtio'/></disk>
<disk type='file' device='cdrom'><source file='/old/install.iso'/><target dev='sda' bus='sata'/></disk>
<interface type='network'><mac address='{MAC}'/><source network='prod' portgroup='web'/>
<vlan><tag id='42'/></vlan><virtualport type='openvswitch'/><model type='virtio'/>
<driver queues='4'/><filterref filter='clean-traffic'/></interface>
<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/>
</source></hostdev>
<filesystem type='mount'><source dir='/old/shared'/><target dir='shared'/></filesystem>
</devices></domain>"""
OVERLAYS = {"vda": "/site/running/act1/vda.qcow2"}


def home(**changes: Any) -> NewHome:
    told: dict[str, Any] = {"ids": IDS, "name": "web", "overlays": OVERLAYS}
    return NewHome(**(told | changes))


def line(place: NetworkPlace | None, because: Because) -> Line:
    return Line(mac=MAC, old="prod", place=place, because=because)


def test_elsewhere_it_is_itself_without_what_its_old_host_had() -> None:
    new = moved(XML, home(nvram="/site/running/act1/nvram.fd"))

    assert (new.spec.name, new.spec.uuid) == ("web", UUID)
    assert new.spec.generation_id == IDS.generation_id
    assert [(d.target, d.source, d.format, d.serial) for d in new.spec.hard_disks] == [
        ("vda", OVERLAYS["vda"], "qcow2", "kept")
    ]
    assert new.spec.firmware.nvram == "/site/running/act1/nvram.fd"
    assert new.spec.nics[0].mac == MAC
    assert new.spec.host_devices == ()
    assert new.spec.shared_folders == ()
    told = " ".join(new.warnings)
    assert all(lost in told for lost in ("vdb", "/old/shared", "pci"))


def test_the_same_act_and_point_give_the_same_machine_and_others_another() -> None:
    copy = home(name="web-test-1", is_copy=True)
    other = NewIds(act="act2", generation=GENERATION)

    one, again = moved(XML, copy), moved(XML, copy)

    assert one.xml == again.xml
    assert one.spec.uuid == IDS.uuid != UUID
    assert uuid.UUID(one.spec.uuid).version == 4
    assert len({IDS.uuid, other.uuid, IDS.generation_id, other.generation_id}) == 4
    assert IDS.checkpoint != other.checkpoint
    assert IDS.mac(MAC).startswith("52:54:00:")


def test_at_home_it_has_its_own_definition_with_what_was_changed_since() -> None:
    newest = (
        XML.replace("1048576", "2097152")
        .replace("<vcpu>1", "<vcpu>3")
        .replace("vdb", "vdc")
        .replace("prod", "elsewhere")
        .replace("/old/shared", "/wrong")
    )
    overlays = OVERLAYS | {"vdc": "/site/running/act1/vdc.qcow2"}

    new = come_home(newest, XML, home(overlays=overlays))

    assert (new.spec.memory_bytes, new.spec.vcpus) == (2 << 30, 3)
    assert [(d.target, d.source) for d in new.spec.hard_disks] == [
        ("vda", overlays["vda"]),
        ("vdb", "/old/scratch"),
        ("vdc", overlays["vdc"]),
    ]
    assert new.spec.firmware.nvram == "/old/web.fd"
    assert new.spec.nics[0].source == "prod"
    assert len(new.spec.host_devices) == 1
    assert new.spec.shared_folders == read_domain(XML).shared_folders
    assert new.warnings == ()


def test_an_unplugged_card_stays_with_its_address_and_nothing_of_its_network() -> None:
    new = moved(XML, home())

    xml = connected(new.xml, [line(None, Because.WISH)], home()).xml

    (nic,) = read_domain(xml).nics
    assert (nic.mac, nic.kind, nic.source, nic.is_link_up) == (MAC, "user", None, False)
    assert nic.model == "virtio"
    for gone in ("vlan", "virtualport", "queues", "portgroup", "clean-traffic"):
        assert gone not in xml


def test_a_network_of_the_same_name_keeps_all_of_the_card() -> None:
    new = moved(XML, home())

    xml = connected(new.xml, [line(NetworkPlace(name="prod"), Because.SAME_NAME)], home()).xml

    for kept in ("portgroup", "openvswitch", "queues"):
        assert kept in xml


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (NetworkPlace(name="lab"), "network"),
        (NetworkPlace(name="br0", is_bridge=True), "bridge"),
    ],
)
def test_another_network_gets_the_card_with_its_filter_and_without_its_tags(
    place: NetworkPlace, kind: str
) -> None:
    new = moved(XML, home())

    xml = connected(new.xml, [line(place, Because.WISH)], home()).xml

    (nic,) = read_domain(xml).nics
    assert (nic.kind, nic.source, nic.mac) == (kind, place.name, MAC)
    assert "clean-traffic" in xml
    assert "vlan" not in xml
    assert "openvswitch" not in xml


def test_what_another_network_cannot_keep_of_a_card_is_told_with_what_to_do() -> None:
    new = moved(XML, home())

    found = connected(new.xml, [line(NetworkPlace(name="lab"), Because.WISH)], home())

    (said,) = found.warnings
    for word in (MAC, "lab", "VLAN tag 42", "openvswitch", "group web", "--network prod=NETWORK"):
        assert word in said


def test_a_network_that_has_tags_and_that_group_of_ports_keeps_them() -> None:
    new, place = moved(XML, home()), NetworkPlace(name="lab")
    offer = Offer(has_tags=True, profiles=("openvswitch",), groups=("web",))
    there = home(here=NetworksHere(offers={place: offer}))

    found = connected(new.xml, [line(place, Because.WISH)], there)

    assert found.warnings == ()
    for kept in ("id='42'", "openvswitch", "portgroup='web'"):
        assert kept in found.xml.replace('"', "'")


def test_a_network_of_the_same_name_that_would_refuse_its_tags_gets_it_without_them() -> None:
    new, place = moved(XML, home()), NetworkPlace(name="prod")
    there = home(here=NetworksHere(offers={place: Offer(groups=("web",))}))

    found = connected(new.xml, [line(place, Because.SAME_NAME)], there)

    (said,) = found.warnings
    assert "42" in said
    assert "group web" not in said
    assert "vlan" not in found.xml


def test_a_card_that_is_unplugged_misses_nothing() -> None:
    new = moved(XML, home())

    found = connected(new.xml, [line(None, Because.WISH)], home())

    assert found.warnings == ()


@pytest.mark.parametrize(
    ("place", "because", "keeps"),
    [
        (None, Because.ISOLATED, True),
        (None, Because.ANYWHERE, False),
        (NetworkPlace(name="lab"), Because.WISH, True),
        (NetworkPlace(name="prod"), Because.SAME_NAME, False),
        (NetworkPlace(name="lab", is_bridge=True), Because.WISH, False),
    ],
)
def test_a_copy_has_the_same_address_only_where_nobody_can_meet_it(
    place: NetworkPlace | None, because: Because, *, keeps: bool
) -> None:
    copy = home(name="web-test-1", is_copy=True, here=NetworksHere(without_way_out=("lab",)))
    new = moved(XML, copy)

    xml = connected(new.xml, [line(place, because)], copy).xml

    assert (read_domain(xml).nics[0].mac == MAC) is keeps
