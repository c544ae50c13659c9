"""What a plan's file says of addresses is what its runs type, whatever the addresses are."""

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from hypothesis import given
from hypothesis import strategies as st

from holdfast.recovery.address_rules import AddressRule, parse_rule, rule_text
from holdfast.recovery.plans.reading import examine

_WIDTH = {4: 32, 6: 128}
addresses = st.ip_addresses()


@st.composite
def networks(draw: st.DrawFn) -> tuple[str, str]:
    """Two of one size."""
    old = draw(addresses)
    new = draw(st.ip_addresses(v=4 if old.version == 4 else 6))
    length = draw(st.integers(0, _WIDTH[old.version]))
    return _around(old, length), _around(new, length)


def _around(address: IPv4Address | IPv6Address, length: int) -> str:
    found: IPv4Network | IPv6Network = ip_network(f"{address}/{length}", strict=False)
    return str(found)


@st.composite
def cards(draw: st.DrawFn) -> tuple[str, str]:
    old = draw(st.sampled_from(["lan", "office-2", "52:54:00:aa:bb:01", "br0.10"]))
    new = draw(addresses)
    return old, f"{new}/{draw(st.integers(0, _WIDTH[new.version]))}"


@given(
    st.dictionaries(
        st.one_of(networks(), cards()),
        st.tuples(st.none() | addresses, st.lists(addresses, max_size=2)),
        max_size=4,
    )
)
def test_what_is_written_is_read_and_typed(
    said: dict[tuple[str, str], tuple[object, list[object]]],
) -> None:
    wanted: dict[str, AddressRule] = {}
    written: dict[str, dict[str, object]] = {}
    for (old, new), (gateway, dns) in said.items():
        written[old] = {"to": new, "dns": [str(one) for one in dns]}
        written[old] |= {"gateway": str(gateway)} if gateway else {}
        wanted[old] = AddressRule(
            to=new, gateway=str(gateway) if gateway else "", dns=tuple(str(one) for one in dns)
        )
    machine = {"vm": "db", "addresses": written, "test": {"addresses": written}}
    text = json.dumps({"name": "p", "groups": [{"name": "g", "machines": [machine]}]})

    plan, problems = examine(text.encode())

    assert plan is not None, problems
    (found,) = plan.machines
    assert found.addresses == found.test_addresses == wanted
    for key, rule in wanted.items():
        assert parse_rule(rule_text(key, rule), is_own=True) == (key, rule)


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_else_is_written_is_named_with_its_line(old: str, new: str) -> None:
    machine = {"vm": "db", "addresses": {old: new}}
    text = json.dumps({"name": "p", "groups": [{"name": "g", "machines": [machine]}]})

    plan, problems = examine(text.encode())

    assert (plan is None) == bool(problems)
    assert all(one.line == 1 and one.cure for one in problems)
