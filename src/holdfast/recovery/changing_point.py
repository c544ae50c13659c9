"""Another point for a machine that was failed over: what runs is dropped, and that one is started."""

from collections.abc import Sequence

from holdfast.recovery.acts import Step
from holdfast.recovery.dropping import drop_step
from holdfast.recovery.starting import Starting


def changing_steps(starting: Starting) -> Sequence[Step]:
    """The point is chosen while the old one still runs: a wish that fits none costs nothing."""
    return (
        starting.choose(),
        drop_step(starting.place, starting.folder, but=starting.act.id),
        starting.start(),
        *starting.settle_in(),
    )
