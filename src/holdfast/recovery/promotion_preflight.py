"""What would keep a machine from being started here, all of it, before anything is changed."""

from holdfast.base.errors import HoldfastError
from holdfast.recovery.promoting import Place, PromotionPlan


def problems_of(place: Place, plan: PromotionPlan) -> tuple[HoldfastError, ...]:
    """Empty: it can be started, as far as can be seen."""
    raise NotImplementedError


def require_promotable(place: Place, plan: PromotionPlan) -> None:
    """Raises the gravest of what `problems_of` finds."""
    raise NotImplementedError
