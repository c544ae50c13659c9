"""Which network each card gets: what was said, what is kept, the same name, the first there is."""

from pathlib import Path

import pytest

from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.machine_spec import NicSpec
from holdfast.recovery.networks import (
    Because,
    KeptPlace,
    NetworkMap,
    NetworksHere,
    NetworkWish,
    choose_lines,
    kept_places,
    load_networks,
    named_lines,
    save_networks,
)
from holdfast.recovery.promotion_errors import NetworksUnreadable

MAC = "52:54:00:00:00:01"
HERE = NetworksHere(networks=("zeta", "alpha", "prod"), bridges=("br0",))
EMPTY = NetworksHere()


def card(source: str | None = "prod", kind: str = "network", mac: str = MAC) -> NicSpec:
    return NicSpec(mac=mac, kind=kind, source=source, model="virtio")


@pytest.mark.parametrize(
    ("nic", "wish", "here", "place", "because"),
    [
        (card(), NetworkWish(), HERE, NetworkPlace(name="prod"), Because.SAME_NAME),
        (card("other"), NetworkWish(), HERE, NetworkPlace(name="alpha"), Because.FIRST),
        (card("other"), NetworkWish(), EMPTY, None, Because.NOWHERE),
        (
            card("br0", "bridge"),
            NetworkWish(),
            HERE,
            NetworkPlace(name="br0", is_bridge=True),
            Because.SAME_NAME,
        ),
        (card("prod", "bridge"), NetworkWish(), HERE, NetworkPlace(name="prod"), Because.SAME_NAME),
        (card("eth0", "direct"), NetworkWish(), HERE, NetworkPlace(name="alpha"), Because.FIRST),
        (
            card("br9", "bridge"),
            NetworkWish(),
            NetworksHere(bridges=("br1", "br0")),
            NetworkPlace(name="br0", is_bridge=True),
            Because.FIRST,
        ),
        (card(None, "user"), NetworkWish(), HERE, None, Because.ANYWHERE),
        (card(None, "user"), NetworkWish(is_isolated=True), HERE, None, Because.ISOLATED),
        (card(), NetworkWish(is_isolated=True), HERE, None, Because.ISOLATED),
        (
            card(),
            NetworkWish(kept={"prod": NetworkPlace(name="zeta")}),
            HERE,
            NetworkPlace(name="zeta"),
            Because.KEPT,
        ),
        (
            card(),
            NetworkWish(
                wanted={"prod": NetworkPlace(name="alpha")}, kept={"prod": None}, is_isolated=True
            ),
            HERE,
            NetworkPlace(name="alpha"),
            Because.WISH,
        ),
        (card(), NetworkWish(wanted={"prod": None}), HERE, None, Because.WISH),
    ],
)
def test_the_first_that_says_something_wins(
    nic: NicSpec,
    wish: NetworkWish,
    here: NetworksHere,
    place: NetworkPlace | None,
    because: Because,
) -> None:
    (line,) = choose_lines([nic], wish, here)

    assert (line.place, line.because) == (place, because)


def test_a_card_is_named_by_its_address_before_its_network() -> None:
    cards = [card(), card(mac="52:54:00:00:00:02")]
    wish = NetworkWish(wanted={"52:54:00:00:00:02": None, "prod": NetworkPlace(name="zeta")})

    first, second = choose_lines(cards, wish, HERE)

    assert first.place == NetworkPlace(name="zeta")
    assert second.place is None
    assert named_lines([first, second]) == {"prod": ""}


def test_addresses_may_be_written_in_capitals() -> None:
    wish = NetworkWish(wanted={"52:54:00:AA:00:0B": None})

    (line,) = choose_lines([card(mac="52:54:00:aa:00:0b")], wish, HERE)

    assert line.because is Because.WISH


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    home = str(tmp_path)
    assert load_networks(home) == NetworkMap()
    kept = NetworkMap(
        networks={"prod": KeptPlace(name="br0", is_bridge=True), "san": None},
        test={"prod": KeptPlace(name="lab")},
    )

    save_networks(home, kept)

    assert load_networks(home) == kept
    assert kept_places(kept.networks) == {
        "prod": NetworkPlace(name="br0", is_bridge=True),
        "san": None,
    }


def test_what_does_not_read_is_not_taken_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "recovery").mkdir()
    (tmp_path / "recovery" / "networks.json").write_text("{")

    with pytest.raises(NetworksUnreadable):
        load_networks(str(tmp_path))
