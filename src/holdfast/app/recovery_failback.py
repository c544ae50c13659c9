"""Failback: the machine comes home with all that it did elsewhere."""

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep


def fail_back(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At its home, to which it is replicated in reverse."""
    raise NotImplementedError
