"""What networks and bridges can keep of a card that comes from another host."""

import pytest

from holdfast.hypervisor.xml_reading import read_xml
from holdfast.recovery.card_ports import Offer, bridge_offer, keep_what_fits, network_offer

OLD, NEW = 9_000_000, 11_000_000
SWITCH = "<network><name>n</name><forward mode='bridge'/><bridge name='b'/>"
SWITCH += "<virtualport type='openvswitch'/><portgroup name='web'/><portgroup name='db'/></network>"
PLAIN = "<network><name>n</name><bridge name='b'/></network>"
DIRECT = "<network><name>n</name><forward mode='bridge'><interface dev='e'/></forward></network>"
PARTS = "<network><name>n</name><forward mode='hostdev'><pf dev='e'/></forward></network>"


@pytest.mark.parametrize(
    ("xml", "offer"),
    [
        (PLAIN, Offer()),
        (
            SWITCH,
            Offer(
                has_tags=True,
                profiles=("openvswitch",),
                groups=("web", "db"),
                has_isolation=False,
            ),
        ),
        (DIRECT, Offer(profiles=("802.1Qbg", "802.1Qbh"), has_isolation=False)),
        (PARTS, Offer(has_tags=True, profiles=("802.1Qbg", "802.1Qbh"), has_isolation=False)),
    ],
)
def test_a_network_offers_what_its_description_says(xml: str, offer: Offer) -> None:
    assert network_offer(xml, libvirt=OLD) == offer


def test_bridges_of_the_kernel_tag_from_a_newer_release_of_libvirt_on() -> None:
    tagging = [
        bridge_offer(is_kernels=True, libvirt=libvirt).has_tags for libvirt in (OLD, NEW)
    ] + [network_offer(PLAIN, libvirt=libvirt).has_tags for libvirt in (OLD, NEW)]

    assert tagging == [False, True, False, True]


def test_a_bridge_that_is_not_the_kernels_is_a_switch_that_tags() -> None:
    offer = bridge_offer(is_kernels=False, libvirt=OLD)

    assert (offer.has_tags, offer.profiles) == (True, ("openvswitch",))


def test_isolation_from_other_ports_is_kept_where_there_is_such_a_thing() -> None:
    xml = "<interface type='bridge'><source bridge='b'/><port isolated='yes'/></interface>"
    kept, lost = (read_xml(xml, root="interface", about="card") for _each in range(2))

    said = keep_what_fits(kept, Offer()), keep_what_fits(lost, Offer(has_isolation=False))

    assert kept.find("port") is not None
    assert lost.find("port") is None
    assert [len(each) for each in said] == [0, 1]
