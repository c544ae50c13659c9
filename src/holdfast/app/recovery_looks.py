"""What would be in the way of the act that comes next for each machine, as the doctor is told."""

from collections.abc import Iterator

from holdfast.app.recovery_here import RecoveryWish, here, machines_known, own_site
from holdfast.app.recovery_preflight import Preflight, look_before
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.recovery.policy import Place, Standing
from holdfast.recovery.record import ActKind, Stage

Line = dict[str, object]
# Whoever asks does not wait for a hundred machines; those that were not looked at are not known.
_SECONDS = 60.0
_NEXT = {
    (Place.SITE, Stage.PROTECTED): ActKind.UNPLANNED,
    (Place.SITE, Stage.PROTECTED_IN_REVERSE): ActKind.FAILBACK,
    # What came back is not here any more.
    (Place.HOME, Stage.PROTECTED_IN_REVERSE): ActKind.FAILBACK,
    (Place.PROMOTED, Stage.FAILED_OVER): ActKind.REPROTECT,
    (Place.PROMOTED, Stage.COMMITTED): ActKind.REPROTECT,
    (Place.PROMOTED, Stage.REPROTECTING): ActKind.REPROTECT,
}
_GOES_ON = frozenset(
    (ActKind.PLANNED, ActKind.UNPLANNED, ActKind.FAILBACK, ActKind.REPROTECT),
)


def tell_looks(session: Session) -> Iterator[Line]:
    begun = session.clock.monotonic()
    for vm in sorted(machines_known(session.settings.home, own_site(session))):
        if session.clock.monotonic() - begun > _SECONDS:
            return
        yield from _machine(session, vm)


def _machine(session: Session, vm: str) -> Iterator[Line]:
    try:
        with here(session, vm, who="") as found:
            act = next_act(found.standing())
        if act is not None:
            yield from _lines(look_before(session, vm, act, RecoveryWish()))
    except HoldfastError as err:
        # Not even that could be looked at.
        line: Line = {"holdfast": "recovery-look", "vm": vm, "uuid": vm}
        yield {**line, "error": err.code, "said": str(err)}


def next_act(standing: Standing) -> ActKind | None:
    """What a person would do with it next, or goes on with; None: nothing of its kind."""
    if standing.under_way is not None:
        kind = standing.under_way.kind
        return kind if kind in _GOES_ON else None
    return _NEXT.get((standing.place, standing.stage))


def _lines(seen: Preflight) -> Iterator[Line]:
    line: Line = {"holdfast": "recovery-look", "vm": seen.name, "uuid": seen.vm}
    # Of one that was broken off nothing is known but what was found.
    line["act"] = seen.act.value if seen.is_whole else ""
    for error in seen.problems:
        yield {**line, "error": error.code, "said": str(error)}
    if seen.is_clear:
        yield line
