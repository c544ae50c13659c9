"""Unplanned failover: the source is gone, and one of its points is started here."""

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep


def fail_over_unplanned(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the site."""
    raise NotImplementedError
