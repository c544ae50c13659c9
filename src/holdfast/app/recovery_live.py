"""Planned failover of a machine that goes on running: only what changed crosses the link."""

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep


def fail_over_live(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the site, while the source works."""
    raise NotImplementedError


def fail_back_live(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At its home, while the host it runs at works."""
    raise NotImplementedError
