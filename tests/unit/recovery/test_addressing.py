"""A machine that is to have addresses of a site needs an agent, and it is said before."""

import pytest

from holdfast.recovery.address_errors import AddressesNeedAgent
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.addressing import require_agent, told
from holdfast.recovery.record import CardAddress

RULE = AddressRule(to="198.51.100.7/24")


def test_a_rule_for_the_machine_is_refused_where_nobody_can_set_it() -> None:
    with pytest.raises(AddressesNeedAgent) as caught:
        require_agent({"web/lan": RULE}, names=("web", "uuid"), about="web", has_channel=False)

    assert "--forget web/lan" in caught.value.advice


@pytest.mark.parametrize(
    ("rules", "has_channel"),
    [({"web/lan": RULE}, True), ({"db/lan": RULE}, False), ({"192.0.2.0/24": RULE}, False)],
)
def test_other_rules_and_machines_with_an_agent_are_not_held_up(
    rules: dict[str, AddressRule], *, has_channel: bool
) -> None:
    require_agent(rules, names=("web", "uuid"), about="web", has_channel=has_channel)


def test_what_was_set_and_what_was_left_to_dhcp_is_told() -> None:
    change = CardAddress(mac="m", old=("192.0.2.7/24",), new=RULE.to, gateway="198.51.100.1")

    said = told([change], ["203.0.113.9/24"])

    assert "192.0.2.7/24 → 198.51.100.7/24, gateway 198.51.100.1" in said
    assert "DHCP" in said
    assert "203.0.113.9/24" in said
