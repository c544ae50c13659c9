"""Planned failover: the source is shut down, its last changes are brought, and nothing is lost."""

from holdfast.app.recovery_acting import (
    acting,
    promotion_place,
    refused_unless,
    starting,
    starting_wish,
)
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.app.recovery_way_back import doubts_of_way_back
from holdfast.recovery.acts import OnStep
from holdfast.recovery.planned import handing_steps, planned_steps
from holdfast.recovery.record import ActKind

_LOOKS = {"room"}


def fail_over_planned(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the site, while the source works."""
    with (
        acting(here, ActKind.PLANNED, on_step, **starting_wish(wish)) as begun,
        promotion_place(here) as place,
    ):
        what = starting(begun, place)
        what.warnings.extend(doubts_of_way_back(here))
        # While it has only looked, the same command may be given with other wishes.
        with refused_unless(begun, lambda: bool({note.name for note in what.now().steps} - _LOOKS)):
            asking = begun.asking(wish)
            if wish.is_only_handing_over:
                begun.perform(handing_steps(what, asking))
                return begun.left_open(figures=what.figures, warnings=what.warnings)
            begun.perform(planned_steps(what, asking))
        return begun.finish(figures=what.figures, warnings=what.warnings)
