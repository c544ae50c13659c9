"""Whether a machine is held still for its next point: what was asked for, kept, and is due."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.app.vm_records import FreezeSettings, LastPoint
from holdfast.machines.downgrades import downgrade
from holdfast.machines.points import Consistency, Downgrade

# Schedules are not exact; what is due in a moment is due.
_NEARLY = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezePlan:
    """`reason` is why it is left alone; None: it is held still, all of it or these mounts."""

    reason: Downgrade | None = None
    mounts: tuple[str, ...] = ()


def freeze_plan(
    kept: FreezeSettings,
    last: LastPoint | None,
    *,
    now: datetime,
    asked: bool | None,
    least: Consistency,
) -> FreezePlan:
    """`asked` of this run counts more than what is kept; None: nothing was said."""
    if asked is False:
        return FreezePlan(reason=downgrade("freeze-not-asked"))
    if asked is None and kept.never:
        return FreezePlan(reason=downgrade("freeze-never"))
    # Who wants no lesser point gets none only because it was not yet time.
    if asked is None and least is Consistency.CRASH and not _is_due(kept, last, now):
        return FreezePlan(reason=downgrade("freeze-not-due"))
    return FreezePlan(mounts=kept.mounts)


def _is_due(kept: FreezeSettings, last: LastPoint | None, now: datetime) -> bool:
    if last is None or last.frozen_at is None:
        return True
    if kept.every_seconds:
        passed = (now - last.frozen_at).total_seconds()
        # A clock that was put back must not keep it from being due.
        return passed < 0 or passed >= _NEARLY * kept.every_seconds
    return last.unfrozen + 1 >= kept.every
