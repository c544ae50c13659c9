"""Failback: the machine comes home with all that it did elsewhere."""

from holdfast.app.recovery_acting import (
    acting,
    promotion_place,
    refused_unless,
    starting,
    starting_wish,
)
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish, store_away
from holdfast.recovery.acts import OnStep
from holdfast.recovery.failing_back import Homecoming, failback_steps, handing_home_steps
from holdfast.recovery.promotion_errors import PromotionFolderClosed
from holdfast.recovery.record import ActKind, Stage
from holdfast.recovery.way_back_errors import ReverseReplicaDeleted


def fail_back(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At its home, to which it is replicated in reverse."""
    require_replica(here)
    with (
        acting(here, ActKind.FAILBACK, on_step, **starting_wish(wish)) as begun,
        promotion_place(here) as place,
    ):
        what = starting(begun, place)
        with refused_unless(begun, lambda: not _is_refusable(here)):
            asking = begun.asking(wish)
            if wish.is_only_handing_over:
                begun.perform(handing_home_steps(what, asking))
                return begun.left_open(figures=what.figures, warnings=what.warnings)
            begun.perform(failback_steps(what, asking))
        stage = Homecoming(starting=what).stage
        return begun.finish(stage=stage, figures=what.figures, warnings=what.warnings)


def require_replica(here: Here) -> None:
    """A machine that is protected in reverse has one here, unless somebody deleted it."""
    record = here.record()
    is_reverse = record.stage is Stage.PROTECTED_IN_REVERSE and record.promoted is None
    if not is_reverse or here.replica() is not None:
        return
    away = store_away(here.home, here.site) if here.site else ""
    if here.site and away:
        raise PromotionFolderClosed(about=here.name, path=here.site.folder, reason=away)
    raise ReverseReplicaDeleted(about=here.name)


def _is_refusable(here: Here) -> bool:
    """Only what was seen before its host was asked for anything."""
    act = here.record().act
    seen = {note.name for note in act.steps} if act else set()
    return not seen - {"home", "room"}
