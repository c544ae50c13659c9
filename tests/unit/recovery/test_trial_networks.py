"""A test meets nothing of the network its original is in."""

import pytest

from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.recovery.networks import Because, Line
from holdfast.recovery.trial_errors import NetworkHasWayOut
from holdfast.recovery.trial_networks import require_isolated

_ISOLATED = ("lab",)


def line(place: NetworkPlace | None) -> Line:
    return Line(mac="52:54:00:00:00:01", old="lan", place=place, because=Because.WISH)


@pytest.mark.parametrize("place", [None, NetworkPlace(name="lab")])
def test_nothing_and_a_network_without_a_way_out_are_good(place: NetworkPlace | None) -> None:
    require_isolated([line(place)], _ISOLATED)


@pytest.mark.parametrize(
    "place", [NetworkPlace(name="default"), NetworkPlace(name="lab", is_bridge=True)]
)
def test_all_else_is_refused(place: NetworkPlace) -> None:
    with pytest.raises(NetworkHasWayOut, match=place.name):
        require_isolated([line(None), line(place)], _ISOLATED)
