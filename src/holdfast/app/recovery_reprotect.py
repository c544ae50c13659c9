"""Reprotect: the old home follows what the machine does at its new host."""

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep


def reprotect(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the host where the machine runs."""
    raise NotImplementedError
