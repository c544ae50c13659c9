"""Where a test may be connected: to nothing, or to a network that nothing else is reached from."""

from collections.abc import Collection, Sequence

from holdfast.base.texts import _
from holdfast.recovery.networks import Line
from holdfast.recovery.trial_errors import NetworkHasWayOut


def require_isolated(lines: Sequence[Line], without_way_out: Collection[str]) -> None:
    """Whatever was said or kept: the test must not meet the machine it is a copy of."""
    for line in lines:
        if line.place is None:
            continue
        if line.place.is_bridge:
            reason = _("where a bridge of the host leads cannot be seen")
            raise NetworkHasWayOut(network=line.place.name, reason=reason)
        if line.place.name not in without_way_out:
            raise NetworkHasWayOut(network=line.place.name, reason=_("it has a way out"))
