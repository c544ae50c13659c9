"""Which addresses a machine gets at a site: by machine and card, by network, or none by us."""

from ipaddress import ip_interface

import pytest

from holdfast.recovery.address_rules import (
    AddressRule,
    Chosen,
    GuestAddress,
    GuestCard,
    Plugged,
    choose_addresses,
    of_machine,
    parse_rule,
    rule_text,
)
from holdfast.recovery.record import CardAddress

MAC, OTHER = "52:54:00:00:00:01", "52:54:00:00:00:02"
CARD = Plugged(mac=MAC, old_mac=MAC, old_network="lan")
NAMES = ("web", "6f1c9a04-b2d8-4e35-9c41-41d2aa000001")
NETWORK = {"192.0.2.0/24": AddressRule(to="198.51.100.0/24", dns=("198.51.100.53",))}


def guest(*addresses: str, lent: bool = False, gateway: str = "", mac: str = MAC) -> GuestCard:
    held = tuple(GuestAddress(held=ip_interface(each), is_lent=lent) for each in addresses)
    return GuestCard(device="eth0", mac=mac, addresses=held, gateways=(gateway,) if gateway else ())


@pytest.mark.parametrize(
    ("text", "key", "rule"),
    [
        (
            "192.0.2.0/24=198.51.100.0/24,gateway=198.51.100.1,dns=198.51.100.53,dns=2001:db8::53",
            "192.0.2.0/24",
            AddressRule(
                to="198.51.100.0/24",
                gateway="198.51.100.1",
                dns=("198.51.100.53", "2001:db8::53"),
            ),
        ),
        ("web/lan=198.51.100.7/24", "web/lan", AddressRule(to="198.51.100.7/24")),
        (f"web/{MAC.upper()}=198.51.100.7/24", f"web/{MAC}", AddressRule(to="198.51.100.7/24")),
        ("2001:db8:1::/64=2001:db8:2::/64", "2001:db8:1::/64", AddressRule(to="2001:db8:2::/64")),
    ],
)
def test_a_rule_is_read_as_it_is_typed(text: str, key: str, rule: AddressRule) -> None:
    assert parse_rule(text) == (key, rule)
    assert parse_rule(rule_text(key, rule)) == (key, rule)


@pytest.mark.parametrize("card", ["lan", MAC])
def test_a_rule_of_one_machine_needs_only_the_card(card: str) -> None:
    key, rule = parse_rule(f"{card}=198.51.100.7/24,dns=198.51.100.53", is_own=True)

    assert (key, rule.to) == (card, "198.51.100.7/24")
    assert parse_rule(rule_text(key, rule), is_own=True) == (key, rule)
    assert of_machine({key: rule, **NETWORK}, "web") == {f"web/{card}": rule, **NETWORK}


@pytest.mark.parametrize(
    "text",
    [
        "web",
        "web=198.51.100.7/24",
        "web/lan=198.51.100.7",
        "web/lan=dhcp/24",
        "192.0.2.0/24=198.51.100.0/25",
        "192.0.2.0/24=2001:db8::/24",
        "192.0.2.0/24=198.51.100.0/24,gateway=router",
        "192.0.2.0/24=198.51.100.0/24,mtu=1",
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  whatever part of it is wrong
        parse_rule(text)


def test_an_address_of_a_network_keeps_the_part_that_names_the_host_and_so_does_its_gateway() -> (
    None
):
    cards = [guest("192.0.2.7/26", "203.0.113.9/24", gateway="192.0.2.1")]

    chosen = choose_addresses([CARD], cards, NETWORK, names=NAMES)

    assert chosen.changes == (
        CardAddress(
            mac=MAC,
            old=("192.0.2.7/26",),
            new="198.51.100.7/26",
            gateway="198.51.100.1",
            dns=("198.51.100.53",),
        ),
    )


@pytest.mark.parametrize("key", ["web/lan", f"web/{MAC}", f"{NAMES[1]}/lan"])
def test_a_rule_for_a_card_comes_before_one_for_its_network(key: str) -> None:
    rules = NETWORK | {key: AddressRule(to="198.51.100.99/24", gateway="198.51.100.1")}

    chosen = choose_addresses([CARD], [guest("192.0.2.7/24")], rules, names=NAMES)

    (change,) = chosen.changes
    assert (change.old, change.new) == (("192.0.2.7/24",), "198.51.100.99/24")


def test_the_narrowest_network_wins() -> None:
    rules = NETWORK | {"192.0.2.0/28": AddressRule(to="203.0.113.0/28")}

    chosen = choose_addresses([CARD], [guest("192.0.2.7/24")], rules, names=NAMES)

    assert [change.new for change in chosen.changes] == ["203.0.113.7/24"]


def test_an_address_by_dhcp_is_left_to_dhcp_and_told() -> None:
    rules = NETWORK | {"web/lan": AddressRule(to="198.51.100.99/24")}

    both = [
        choose_addresses([CARD], [guest("192.0.2.7/24", lent=True)], each, names=NAMES)
        for each in (NETWORK, rules)
    ]

    assert both == [Chosen(lent=("192.0.2.7/24",))] * 2


def test_other_machines_cards_and_networks_are_left_alone() -> None:
    rules = NETWORK | {"db/lan": AddressRule(to="198.51.100.99/24")}
    cards = [guest("203.0.113.9/24"), guest("192.0.2.8/24", mac=OTHER)]

    chosen = choose_addresses([CARD], cards, rules, names=NAMES)

    assert chosen == Chosen()


def test_again_for_a_guest_that_has_its_address_changes_nothing_of_it() -> None:
    rules = {"web/lan": AddressRule(to="198.51.100.99/24")}

    chosen = choose_addresses([CARD], [guest("198.51.100.99/24")], rules, names=NAMES)

    assert chosen.changes == (CardAddress(mac=MAC, new="198.51.100.99/24"),)
