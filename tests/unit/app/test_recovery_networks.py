"""What is said of networks and addresses stays, of failovers and of tests apart."""

from pathlib import Path
from typing import Any

from holdfast.app.recovery_networks import SiteNetworks, change_networks
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.networks import KeptPlace, load_networks

RULE = AddressRule(to="198.51.100.0/24", gateway="198.51.100.1")


def change(home: Path, **told: Any) -> SiteNetworks:
    said: dict[str, Any] = {"wanted": {}, "addresses": {}, "forget": (), "is_test": False}
    return change_networks(str(home), **(said | told))


def test_rules_stay_beside_networks_and_those_of_tests_are_others(tmp_path: Path) -> None:
    change(tmp_path, wanted={"lan": "dr"}, addresses={"192.0.2.0/24": RULE})

    tests = change(tmp_path, addresses={"web/lan": AddressRule(to="203.0.113.7/24")}, is_test=True)

    known = load_networks(str(tmp_path))
    assert (known.networks, known.addresses) == (
        {"lan": KeptPlace(name="dr")},
        {"192.0.2.0/24": RULE},
    )
    assert (tests.networks, list(tests.addresses)) == ({}, ["web/lan"])


def test_what_is_forgotten_is_forgotten_of_both_kinds(tmp_path: Path) -> None:
    change(tmp_path, wanted={"lan": "dr"}, addresses={"web/lan": RULE, "db/lan": RULE})

    left = change(tmp_path, forget=("lan", "web/lan"))

    assert (left.networks, list(left.addresses)) == ({}, ["db/lan"])
