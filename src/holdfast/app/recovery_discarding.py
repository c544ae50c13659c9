"""Before what a machine has written since its failover is dropped, a person must want that."""

from holdfast.app.recovery_here import Here, RecoveryWish
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.recovery.act_errors import ChangesWouldGo
from holdfast.recovery.dropping import written_bytes
from holdfast.recovery.record import ActKind


def require_discarding(here: Here, wish: RecoveryWish, kind: ActKind) -> None:
    """Asked once: who goes on with an act has agreed when it began."""
    record = here.record()
    promoted, act = record.promoted, record.act
    if promoted is None or wish.is_discarding or (act is not None and act.kind is kind):
        return
    if promoted.started_at is None:
        # It never ran.
        return
    since, size = promoted.started_at.astimezone(), format_size(written_bytes(promoted))
    if here.agree is not None:
        question = _("{vm} has written {size} here since {since}. May that be lost?")
        moment = f"{since:%Y-%m-%d %H:%M}"
        if here.agree(question.format(vm=here.name, size=size, since=moment)):
            return
    raise ChangesWouldGo(about=here.name, since=since, size=size)
