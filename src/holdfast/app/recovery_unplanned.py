"""Unplanned failover: the source is gone, and one of its points is started here."""

from holdfast.app.recovery_acting import (
    Acting,
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
from holdfast.recovery.source_trying import Trying
from holdfast.recovery.starting import Starting
from holdfast.recovery.unplanned import Judging, lost_by, unplanned_steps, what_came_of_trying


def fail_over_unplanned(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the site."""
    with (
        acting(here, ActKind.UNPLANNED, on_step, **starting_wish(wish)) as begun,
        promotion_place(here) as place,
    ):
        what = starting(begun, place)
        judging = Judging(
            listening=lambda: listening(here),
            is_source_down=wish.is_source_down,
            agree=here.agree,
        )
        trying = _trying(begun, what, wish) if wish.tries_shut_down else None
        # One that was asked to shut it down is released by an undo, so that must stay possible.
        with refused_unless(begun, lambda: what.now().epoch > 0 or what.now().has_asked):
            begun.perform(unplanned_steps(what, judging, trying))
        promoted = what.record().promoted
        if promoted is not None:
            what.figures["loss_seconds"] = lost_by(
                what.now(),
                generation=promoted.generation,
                taken_at=promoted.taken_at,
                heard=tidings_of(here.home, here.vm),
            )
        why = what_came_of_trying(what.now())
        return begun.finish(figures=what.figures, warnings=what.warnings, why=why)


def _trying(begun: Acting, what: Starting, wish: RecoveryWish) -> Trying:
    here = begun.here
    return Trying(starting=what, asking=begun.asking(wish), listening=lambda: listening(here))
