"""Planned failover: the source is shut down, its last changes are brought, and nothing is lost."""

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep


def fail_over_planned(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the site, while the source works."""
    raise NotImplementedError
