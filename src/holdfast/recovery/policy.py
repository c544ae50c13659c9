"""Which act is legal when, as one table, and what to do instead of one that is not. Pure.

A host is to a machine one of three things: its site (a replica is here, and the machine is not),
the host it was failed over to, or its own host. What is legal depends on that and on the stage the
record of that host says; nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from holdfast.base.errors import HoldfastError
from holdfast.recovery.act_errors import (
    ActMustGoOn,
    ActUnderWay,
    AlreadyCommitted,
    AlreadyHere,
    AlreadyProtectedInReverse,
    CommitFirst,
    FailBackInstead,
    Migrated,
    NoReplicaHere,
    NotFailedOver,
    ReprotectFirst,
    RunsAtHome,
    RunsElsewhere,
)
from holdfast.recovery.act_texts import act_text
from holdfast.recovery.promotion_errors import PromotionFolderClosed
from holdfast.recovery.record import Act, ActKind, RecoveryRecord, Stage

FAILOVERS = frozenset(
    {
        ActKind.PLANNED,
        ActKind.PLANNED_LIVE,
        ActKind.UNPLANNED,
        ActKind.FAILBACK,
        ActKind.FAILBACK_LIVE,
    }
)
_FORWARD = frozenset({ActKind.PLANNED, ActKind.PLANNED_LIVE})
_BACK = frozenset({ActKind.FAILBACK, ActKind.FAILBACK_LIVE})
# Their source is ordered to do something, and may be in the middle of it.
WITH_SOURCE = _FORWARD | _BACK
# Beside whatever else is done: they touch neither the record nor the machine.
_BESIDE = frozenset({ActKind.TEST, ActKind.CLEAN_UP})


class Place(StrEnum):
    """What this host is to the machine."""

    # A replica of it is here, and it does not run here.
    SITE = "site"
    # It was failed over to here.
    PROMOTED = "promoted"
    # It is at home here: it runs, or is fenced because it runs at the other host.
    HOME = "home"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that the policy looks at."""

    about: str
    place: Place
    stage: Stage = Stage.PROTECTED
    epoch: int = 0
    # By a greater epoch it runs at the other host.
    is_fenced: bool = False
    under_way: Act | None = None
    # This is its home, to which it was failed over because the other host was lost.
    is_home_again: bool = False
    # A replica lies here, whatever else this host is to it.
    has_replica: bool = False
    # Where replicas are to lie here, and why nothing can be said of what lies there.
    store: str = ""
    store_away: str = ""


_LEGAL: Mapping[tuple[Place, Stage], frozenset[ActKind]] = {
    (Place.SITE, Stage.PROTECTED): _FORWARD | {ActKind.UNPLANNED},
    (Place.SITE, Stage.FAILING_OVER): frozenset({ActKind.UNDO}),
    # The source has not heard yet that the machine is its own again, and may never.
    (Place.SITE, Stage.UNDOING): frozenset({ActKind.UNDO, ActKind.UNPLANNED}),
    (Place.SITE, Stage.PROTECTED_IN_REVERSE): _BACK | {ActKind.UNPLANNED},
    (Place.SITE, Stage.FAILING_BACK): frozenset({ActKind.UNDO}),
    (Place.PROMOTED, Stage.FAILING_OVER): frozenset({ActKind.UNDO}),
    (Place.PROMOTED, Stage.FAILED_OVER): frozenset(
        {ActKind.CHANGE_POINT, ActKind.UNDO, ActKind.COMMIT, ActKind.REPROTECT}
    ),
    (Place.PROMOTED, Stage.UNDOING): frozenset({ActKind.UNDO}),
    (Place.PROMOTED, Stage.COMMITTED): frozenset({ActKind.COMMIT, ActKind.REPROTECT}),
    (Place.PROMOTED, Stage.REPROTECTING): frozenset({ActKind.REPROTECT}),
    (Place.PROMOTED, Stage.PROTECTED_IN_REVERSE): frozenset({ActKind.REPROTECT}),
    (Place.PROMOTED, Stage.FAILING_BACK): frozenset({ActKind.UNDO}),
    # Failed back: a reprotect gives the forward direction again.
    (Place.HOME, Stage.COMMITTED): frozenset({ActKind.REPROTECT}),
    (Place.HOME, Stage.REPROTECTING): frozenset({ActKind.REPROTECT}),
}

# The stage while an act is under way, where that is another one; and after it.
DURING: Mapping[ActKind, Stage] = {
    ActKind.PLANNED: Stage.FAILING_OVER,
    ActKind.PLANNED_LIVE: Stage.FAILING_OVER,
    ActKind.UNPLANNED: Stage.FAILING_OVER,
    ActKind.CHANGE_POINT: Stage.FAILED_OVER,
    ActKind.UNDO: Stage.UNDOING,
    ActKind.REPROTECT: Stage.REPROTECTING,
    ActKind.FAILBACK: Stage.FAILING_BACK,
    ActKind.FAILBACK_LIVE: Stage.FAILING_BACK,
}
AFTER: Mapping[ActKind, Stage] = {
    ActKind.PLANNED: Stage.FAILED_OVER,
    ActKind.PLANNED_LIVE: Stage.FAILED_OVER,
    ActKind.UNPLANNED: Stage.FAILED_OVER,
    ActKind.CHANGE_POINT: Stage.FAILED_OVER,
    ActKind.UNDO: Stage.UNDOING,
    ActKind.COMMIT: Stage.COMMITTED,
    ActKind.REPROTECT: Stage.PROTECTED_IN_REVERSE,
    ActKind.FAILBACK: Stage.COMMITTED,
    ActKind.FAILBACK_LIVE: Stage.COMMITTED,
}
# Those that `failover undo` takes back, wherever they have come to.
UNDOABLE = FAILOVERS | {ActKind.CHANGE_POINT}

# As it is typed, for the ways out that errors name.
COMMANDS: Mapping[ActKind, str] = {
    ActKind.TEST: "holdfast failover {about} --test",
    ActKind.PLANNED: "holdfast failover {about} --planned",
    ActKind.PLANNED_LIVE: "holdfast failover {about} --planned --live",
    ActKind.UNPLANNED: "holdfast failover {about} --unplanned",
    ActKind.CHANGE_POINT: "holdfast failover change-point {about}",
    ActKind.UNDO: "holdfast failover undo {about}",
    ActKind.COMMIT: "holdfast commit {about}",
    ActKind.REPROTECT: "holdfast reprotect {about}",
    ActKind.FAILBACK: "holdfast failback {about}",
    ActKind.FAILBACK_LIVE: "holdfast failback {about} --live",
    ActKind.CLEAN_UP: "holdfast failover cleanup {about}",
}


def place_of(record: RecoveryRecord | None, *, has_replica: bool, is_home: bool) -> Place:
    """`is_home`: the machine is or was replicated from here, so its definition is here as well."""
    if record is not None and record.promoted is not None:
        return Place.PROMOTED
    if has_replica:
        return Place.SITE
    if is_home or (record is not None and record.fence is not None):
        return Place.HOME
    return Place.NOTHING


def is_legal(kind: ActKind, standing: Standing) -> bool:
    return refusal(kind, standing) is None


def legal_acts(standing: Standing) -> frozenset[ActKind]:
    return frozenset(kind for kind in ActKind if is_legal(kind, standing))


def refusal(kind: ActKind, standing: Standing) -> HoldfastError | None:
    """Why the act is not legal now, with the way out; None: it is."""
    if kind in _BESIDE:
        return _no_replica(standing)
    under_way = standing.under_way
    if under_way is not None:
        return _beside(kind, under_way, standing)
    if kind in _LEGAL.get((standing.place, standing.stage), frozenset()):
        return _too_soon(kind, standing)
    return _instead(kind, standing)


def _beside(kind: ActKind, under_way: Act, standing: Standing) -> HoldfastError | None:
    """The same again goes on with it; an undo takes it back; a disaster waits for nobody."""
    # What came home is being folded into its own images: they are what they were no more.
    can_undo = under_way.kind in UNDOABLE and standing.stage is not Stage.COMMITTED
    if kind is under_way.kind or (kind is ActKind.UNDO and can_undo):
        return None
    if kind is ActKind.UNPLANNED and _is_given_up_by_disaster(under_way, standing):
        return None
    again = COMMANDS[under_way.kind].format(about=standing.about)
    known = {"about": standing.about, "under_way": act_text(under_way.kind), "again": again}
    if can_undo:
        return ActUnderWay(**known, who=under_way.who)
    return ActMustGoOn(**known)


def _too_soon(kind: ActKind, standing: Standing) -> HoldfastError | None:
    """At home its own images are whole again only with the commit."""
    is_open = standing.is_home_again and standing.stage is Stage.FAILED_OVER
    return CommitFirst(about=standing.about) if is_open and kind is ActKind.REPROTECT else None


def _is_given_up_by_disaster(under_way: Act, standing: Standing) -> bool:
    """The source died in the middle of what was planned with it, or before it heard of an undo."""
    is_planned = under_way.kind in WITH_SOURCE and standing.place is Place.SITE
    return is_planned and not under_way.epoch


def _no_replica(standing: Standing) -> HoldfastError | None:
    return None if standing.has_replica else _not_here(standing)


def _not_here(standing: Standing) -> HoldfastError:
    """That there never was a replica is said only where one would be seen."""
    if standing.store_away:
        return PromotionFolderClosed(
            about=standing.about, path=standing.store, reason=standing.store_away
        )
    return NoReplicaHere(about=standing.about)


def _instead(kind: ActKind, standing: Standing) -> HoldfastError:  # noqa: PLR0911  a case each
    about, stage = standing.about, standing.stage
    if standing.place is Place.NOTHING:
        return _not_here(standing)
    if stage is Stage.MIGRATED:
        return Migrated(about=about)
    if standing.place is Place.HOME:
        return _instead_at_home(kind, standing)
    if standing.place is Place.SITE:
        return _instead_at_site(kind, standing)
    if stage is Stage.PROTECTED_IN_REVERSE:
        return AlreadyProtectedInReverse(about=about)
    if stage in (Stage.COMMITTED, Stage.REPROTECTING):
        return AlreadyCommitted(about=about)
    return AlreadyHere(about=about, epoch=standing.epoch)


def _instead_at_home(kind: ActKind, standing: Standing) -> HoldfastError:
    if kind in _BACK and standing.is_fenced:
        return ReprotectFirst(about=standing.about)
    if standing.is_fenced:
        return RunsElsewhere(about=standing.about, epoch=standing.epoch, wish=act_text(kind))
    if kind in FAILOVERS:
        return RunsAtHome(about=standing.about)
    return NotFailedOver(about=standing.about, wish=act_text(kind))


def _instead_at_site(kind: ActKind, standing: Standing) -> HoldfastError:
    if standing.stage is Stage.PROTECTED_IN_REVERSE and kind in _FORWARD:
        return FailBackInstead(about=standing.about)
    if standing.is_fenced and kind in _BACK:
        return ReprotectFirst(about=standing.about)
    if standing.is_fenced:
        return RunsElsewhere(about=standing.about, epoch=standing.epoch, wish=act_text(kind))
    return NotFailedOver(about=standing.about, wish=act_text(kind))
