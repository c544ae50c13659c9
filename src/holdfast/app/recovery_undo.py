"""Undo: what a failover has begun or done here is taken back, and the source has it again."""

from holdfast.app.recovery_acting import acting, promotion_place
from holdfast.app.recovery_discarding import require_discarding
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep
from holdfast.recovery.policy import refusal
from holdfast.recovery.record import ActKind
from holdfast.recovery.undoing import Undoing


def undo(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the host it was failed over to, or is being failed over to."""
    kind = ActKind.UNDO
    if refusal(kind, here.standing()) is None:
        require_discarding(here, wish, kind)
    replica = here.replica()
    with acting(here, kind, on_step) as begun, promotion_place(here) as place:
        undoing = Undoing(
            place=place,
            folder=here.folder,
            act=begun.act,
            machine_id=here.machine_id,
            source=replica.source if replica else "",
        )
        begun.perform(undoing.steps())
        return begun.finish(stage=undoing.stage_after())
