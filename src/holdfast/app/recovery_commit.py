"""Commit: what runs here stays, and the other points go."""

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep


def commit(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the host it was failed over to."""
    raise NotImplementedError
