"""Change of the point: what runs here is dropped, and another point is started."""

from holdfast.app.recovery_acting import (
    acting,
    promotion_place,
    refused_unless,
    starting,
    starting_wish,
)
from holdfast.app.recovery_discarding import require_discarding
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.act_errors import PointNotSaid
from holdfast.recovery.acts import OnStep
from holdfast.recovery.changing_point import changing_steps
from holdfast.recovery.policy import refusal
from holdfast.recovery.record import ActKind


def change_point(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the host it was failed over to."""
    kind = ActKind.CHANGE_POINT
    standing = here.standing()
    if refusal(kind, standing) is None:
        if not wish.point and standing.under_way is None:
            raise PointNotSaid(about=here.name)
        require_discarding(here, wish, kind)
    with (
        acting(here, kind, on_step, **starting_wish(wish)) as begun,
        promotion_place(here) as place,
    ):
        what = starting(begun, place)
        with refused_unless(begun, lambda: bool(what.now().generation)):
            begun.perform(changing_steps(what))
        return begun.finish(figures=what.figures, warnings=what.warnings)
