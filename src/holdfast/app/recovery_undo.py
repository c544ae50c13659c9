"""Undo: what a failover has begun or done here is taken back, and the source has it again."""

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep


def undo(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the host it was failed over to, or is being failed over to."""
    raise NotImplementedError
