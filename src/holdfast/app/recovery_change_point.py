"""Change of the point: what runs here is dropped, and another point is started."""

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.recovery.acts import OnStep


def change_point(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the host it was failed over to."""
    raise NotImplementedError
