"""What would keep an act of recovery from being done here now: looked at before anybody begins it.

Nothing is changed and nothing is written down; whoever begins the act looks once more.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.app.recovery_acting import (
    Acting,
    listening,
    promotion_place,
    starting,
    starting_wish,
)
from holdfast.app.recovery_failback import require_replica
from holdfast.app.recovery_guest import doubts_of_guest
from holdfast.app.recovery_here import Here, RecoveryWish, here
from holdfast.app.recovery_reprotect import in_the_way_of_reprotect, said_of_later
from holdfast.app.recovery_way_back import doubts_of_way_back
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import format_duration
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.recovery.act_errors import SourceMayRun
from holdfast.recovery.acts import nobody_listens
from holdfast.recovery.address_rules import of_machine
from holdfast.recovery.addressing import require_agent
from holdfast.recovery.beginning import new_act_id
from holdfast.recovery.choosing import choose_point
from holdfast.recovery.host_networks import networks_here
from holdfast.recovery.networks import Line, kept_places, load_networks
from holdfast.recovery.planned_errors import SourceSilent
from holdfast.recovery.policy import refusal
from holdfast.recovery.promoting import Place, plan_promotion
from holdfast.recovery.promotion import PromotionPlan, PromotionWish
from holdfast.recovery.promotion_errors import PromotionAccountReadsOnly
from holdfast.recovery.promotion_preflight import problems_of
from holdfast.recovery.record import Act, ActKind
from holdfast.recovery.source_silence import Silence, judge_silence
from holdfast.recovery.starting import Starting
from holdfast.recovery.tested_points import tested_points
from holdfast.recovery.trial_networks import require_isolated
from holdfast.recovery.trial_running import wanted_networks
from holdfast.replication.replica_facts import ReplicaPoint

if TYPE_CHECKING:
    from collections.abc import Sequence

# Those that start the machine here, from a point.
_STARTING = frozenset(
    (
        *(ActKind.TEST, ActKind.PLANNED, ActKind.UNPLANNED),
        *(ActKind.CHANGE_POINT, ActKind.FAILBACK),
    )
)
# What they start from is what the source hands over then.
_FROM_NEWEST = frozenset((ActKind.PLANNED, ActKind.FAILBACK))
_LEAVES_HOME = frozenset((ActKind.PLANNED, ActKind.UNPLANNED))
# A source says every two seconds how it is.
_SILENT_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Preflight:
    """`problems` would refuse the act; `doubts` would not, and a person should know them."""

    vm: str
    name: str
    act: ActKind
    point: ReplicaPoint | None = None
    problems: list[HoldfastError] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    # How its network cards would be connected.
    lines: tuple[Line, ...] = ()
    # Something else kept it from being looked at to the end: there may be more in the way.
    is_whole: bool = True

    @property
    def is_clear(self) -> bool:
        return not self.problems


def look_before(session: Session, vm: str, kind: ActKind, wish: RecoveryWish) -> Preflight:
    """By name or UUID of the machine."""
    with here(session, vm, who="") as found:
        seen = Preflight(vm=found.vm, name=found.name, act=kind)
        error = _refusal(found, kind)
        if error is not None:
            _broken_off(seen, error)
        elif kind in _STARTING:
            _look_at_source(found, kind, seen)
            seen.doubts += doubts_of_guest(found)
            _look_at_start(found, wish, seen)
        elif kind is ActKind.REPROTECT:
            _look_at_way_back(found, seen)
        if kind in _LEAVES_HOME and error is None:
            seen.doubts += doubts_of_way_back(found)
        return seen


def _refusal(found: Here, kind: ActKind) -> HoldfastError | None:
    if kind is ActKind.FAILBACK:
        try:
            require_replica(found)
        except HoldfastError as err:
            return err
    return refusal(kind, found.standing())


def _look_at_source(found: Here, kind: ActKind, seen: Preflight) -> None:
    """A planned act needs its source; an unplanned one must be certain that it is gone."""
    silent_since = _silence(found)
    if kind in _FROM_NEWEST and (silent_since is None or silent_since > _SILENT_SECONDS):
        age = "-" if silent_since is None else format_duration(silent_since)
        seen.problems.append(SourceSilent(about=found.name, age=age))
    if kind is not ActKind.UNPLANNED:
        return
    heard = listening(found)
    if judge_silence(heard, found.clock.now()) is not Silence.GONE:
        said = _("its host may be at work still: it has to be said that the source is down")
        seen.doubts.append(f"{said} [{SourceMayRun.code}]")


def _silence(found: Here) -> float | None:
    """Seconds; None: it was never heard."""
    heard = listening(found).heard
    return None if heard is None else heard.age(found.clock.now()).total_seconds()


def _look_at_start(found: Here, wish: RecoveryWish, seen: Preflight) -> None:
    try:
        seen.point = _point(found, wish, seen.act)
        with promotion_place(found) as place:
            plan = _plan(found, place, wish, seen)
            seen.lines = plan.lines
            seen.doubts += plan.warnings
            seen.problems += problems_of(place, plan)
            _look_at_networks(found, place, plan, wish, seen.act)
    except HoldfastError as err:
        _broken_off(seen, err)
    # Who may not write is not asked for more.
    seen.is_whole &= not any(isinstance(each, PromotionAccountReadsOnly) for each in seen.problems)


def _look_at_way_back(found: Here, seen: Preflight) -> None:
    try:
        looked = in_the_way_of_reprotect(found)
    except HoldfastError as err:
        _broken_off(seen, err)
    else:
        seen.problems += looked.problems
        seen.doubts += map(said_of_later, looked.later)
        seen.is_whole &= looked.is_whole


def _broken_off(seen: Preflight, err: HoldfastError) -> None:
    seen.problems.append(err)
    seen.is_whole = False


def _look_at_networks(
    found: Here, place: Place, plan: PromotionPlan, wish: RecoveryWish, kind: ActKind
) -> None:
    """A test has no way out; else rules for addresses need somebody in the guest to obey them."""
    if kind is ActKind.TEST:
        require_isolated(plan.lines, networks_here(place.host).without_way_out)
        return
    require_agent(
        load_networks(found.home).addresses | of_machine(wish.addresses, found.vm),
        names=(found.name, plan.promoted.name, found.vm),
        about=found.name,
        has_channel=read_domain(plan.description).has_agent_channel,
    )


def _point(found: Here, wish: RecoveryWish, kind: ActKind) -> ReplicaPoint:
    facts = found.replica()
    points: Sequence[ReplicaPoint] = facts.points if facts else ()
    wanted = "" if kind in _FROM_NEWEST else wish.point
    tested = tested_points(found.home, found.vm)
    return choose_point(points, wanted, about=found.name, tested=tested)


def _plan(found: Here, place: Place, wish: RecoveryWish, seen: Preflight) -> PromotionPlan:
    assert seen.point is not None
    if seen.act is ActKind.TEST:
        return _plan_of_test(found, place, wish, seen.point)
    return _as_begun(found, place, wish, seen.act).plan(seen.point.generation)


def _as_begun(found: Here, place: Place, wish: RecoveryWish, kind: ActKind) -> Starting:
    """As the act itself plans it, without a word of it in the record."""
    act = Act(
        id=new_act_id(found.clock),
        kind=kind,
        who="",
        begun_at=found.clock.now(),
        wish=starting_wish(wish),
    )
    return starting(Acting(here=found, act=act, on_step=nobody_listens), place)


def _plan_of_test(
    found: Here, place: Place, wish: RecoveryWish, point: ReplicaPoint
) -> PromotionPlan:
    return plan_promotion(
        place,
        found.vm,
        PromotionWish(
            act=new_act_id(found.clock),
            generation=point.generation,
            name=f"{found.name}-test",
            is_copy=True,
            networks=wanted_networks(wish.networks),
            kept_networks=kept_places(load_networks(found.home).test),
            is_isolated=True,
            without_record=True,
        ),
    )
