"""Unplanned failover: the source is gone, and one of its points is started here."""

from holdfast.app.recovery_acting import (
    acting,
    listening,
    promotion_place,
    refused_unless,
    starting,
    starting_wish,
)
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep
from holdfast.recovery.desk import tidings_of
from holdfast.recovery.record import ActKind
from holdfast.recovery.unplanned import loss_seconds, unplanned_steps


def fail_over_unplanned(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the site."""
    with (
        acting(here, ActKind.UNPLANNED, on_step, **starting_wish(wish)) as begun,
        promotion_place(here) as place,
    ):
        what = starting(begun, place)
        steps = unplanned_steps(
            what,
            listening=listening(here),
            is_source_down=wish.is_source_down,
            agree=here.agree,
        )
        with refused_unless(begun, lambda: what.now().epoch > 0):
            begun.perform(steps)
        promoted = what.record().promoted
        if promoted is not None:
            what.figures["loss_seconds"] = loss_seconds(
                promoted.taken_at,
                heard=tidings_of(here.home, here.vm),
                begun_at=begun.act.begun_at,
            )
        return begun.finish(figures=what.figures, warnings=what.warnings)
