"""What a guest tells of its network, by the two kinds of `ip` there are."""

from holdfast.recovery.guest_addresses import is_changed, read_cards
from holdfast.recovery.record import CardAddress

MAC = "52:54:00:00:00:01"
IPROUTE = f"""card lo 00:00:00:00:00:00
card eth0 {MAC.upper()}
card br0 {MAC}
card tun0
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever
2: eth0    inet6 fe80::5054:ff:fe00:1/64 scope link \\       valid_lft forever
3: br0    inet 203.0.113.9/24 brd 203.0.113.255 scope global dynamic br0\\       valid_lft 86000sec
3: br0    inet6 2001:db8::7/64 scope global \\       valid_lft forever
default via 192.0.2.1 dev eth0 proto static
default via 2001:db8::1 dev br0 metric 1024
"""
BUSYBOX = f"""card eth0 {MAC}
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast qlen 1000\\    link/ether {MAC}
2: eth0    inet 192.0.2.7/24 scope global eth0\\       valid_lft forever preferred_lft forever
default via 192.0.2.1 dev eth0
"""


def test_devices_have_their_addresses_and_ways_out() -> None:
    _lo, eth0, br0 = read_cards(IPROUTE)

    assert [(card.device, card.mac) for card in (eth0, br0)] == [("eth0", MAC), ("br0", MAC)]
    assert [(str(each.held), each.is_lent) for each in eth0.addresses] == [("192.0.2.7/24", False)]
    assert [(str(each.held), each.is_lent) for each in br0.addresses] == [
        ("203.0.113.9/24", True),
        ("2001:db8::7/64", False),
    ]
    assert (eth0.gateways, br0.gateways) == (("192.0.2.1",), ("2001:db8::1",))


def test_a_small_ip_is_read_as_well() -> None:
    (card,) = read_cards(BUSYBOX)

    assert [str(each.held) for each in card.addresses] == ["192.0.2.7/24"]
    assert card.gateways == ("192.0.2.1",)


def test_a_change_is_made_when_the_new_one_is_there_and_the_old_one_is_not() -> None:
    before = list(read_cards(BUSYBOX))
    after = list(read_cards(BUSYBOX.replace("192.0.2.7/24", "198.51.100.7/24")))
    change = CardAddress(mac=MAC, old=("192.0.2.7/24",), new="198.51.100.7/24")

    assert [is_changed(cards, change) for cards in (before, after, [])] == [False, True, False]
