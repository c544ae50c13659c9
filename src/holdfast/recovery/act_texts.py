"""What acts are called, in sentences and in tables."""

from collections.abc import Mapping

from holdfast.base.texts import N_, _
from holdfast.recovery.record import ActKind

_NAMES: Mapping[ActKind, str] = {
    ActKind.TEST: N_("test failover"),
    ActKind.PLANNED: N_("planned failover"),
    ActKind.PLANNED_LIVE: N_("planned failover while it runs"),
    ActKind.UNPLANNED: N_("unplanned failover"),
    ActKind.CHANGE_POINT: N_("change of the point"),
    ActKind.UNDO: N_("undo"),
    ActKind.COMMIT: N_("commit"),
    ActKind.REPROTECT: N_("reprotect"),
    ActKind.FAILBACK: N_("failback"),
    ActKind.FAILBACK_LIVE: N_("failback while it runs"),
    ActKind.CLEAN_UP: N_("clean-up"),
}


def act_text(kind: ActKind) -> str:
    """In the language in use."""
    return _(_NAMES[kind])
