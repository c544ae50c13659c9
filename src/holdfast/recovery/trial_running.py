"""Start a machine from a point beside the replication, look at it, and leave nothing of it.

What is to be made is written down before it is made: whoever finds the record cleans up by it.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain
from holdfast.machines.booting import picture_of
from holdfast.machines.new_identity import parse_network
from holdfast.recovery.address_rules import AddressRule, of_machine
from holdfast.recovery.checks.checking import check_all
from holdfast.recovery.checks.pictures import png_of
from holdfast.recovery.checks.seen import CheckSeen
from holdfast.recovery.checks.subject import Subject
from holdfast.recovery.checks.wishes import usual_checks
from holdfast.recovery.host_networks import networks_here
from holdfast.recovery.promoting import (
    Place,
    PromotionPlan,
    PromotionWish,
    domain_of,
    end,
    plan_promotion,
    promote,
)
from holdfast.recovery.promotion_errors import PromotionNotStarted
from holdfast.recovery.promotion_preflight import require_promotable
from holdfast.recovery.record import Promoted
from holdfast.recovery.tested_points import Tested, mark_tested
from holdfast.recovery.trial import Part, Trial, TrialState
from holdfast.recovery.trial_addresses import with_addresses
from holdfast.recovery.trial_folder import TrialFolder
from holdfast.recovery.trial_networks import require_isolated

PREPARE, CHECKS, CLEAN_UP = "prepared", "checked", "cleaned"


def _nobody_listens(_what: object) -> None:
    """Nothing is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTools:
    place: Place
    folder: TrialFolder
    # For commands on this host.
    environment: Mapping[str, str] = field(default_factory=dict)
    # As they are kept for tests on this host, by old network.
    networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    addresses: dict[str, AddressRule] = field(default_factory=dict)
    # With each change of what is known.
    on_trial: Callable[[Trial], None] = _nobody_listens
    on_part: Callable[[Part], None] = _nobody_listens
    on_checked: Callable[[CheckSeen], None] = _nobody_listens


class _Watch:
    """Measures parts, one after the other."""

    def __init__(self, tools: TrialTools) -> None:
        self._tools = tools
        self._clock = tools.place.clock
        self._began = self._last = self._clock.monotonic()
        self.parts: list[Part] = []

    @property
    def seconds(self) -> float:
        return round(self._clock.monotonic() - self._began, 3)

    def lap(self, name: str) -> None:
        now = self._clock.monotonic()
        part = Part(name=name, seconds=round(now - self._last, 3))
        self._last = now
        self.parts.append(part)
        self._tools.on_part(part)


def run_trial(tools: TrialTools, trial: Trial) -> Trial:
    """To its verdict, and to its end unless it is to be kept; whatever interrupts, it is cleaned."""
    with tools.folder.at_work(trial):
        watch = _Watch(tools)
        try:
            trial = _judged(tools, _kept(tools, trial), watch)
        except BaseException:
            # A person has had enough, or it is an error of ours: the machine goes in any case.
            known = tools.folder.known(trial.id) or trial
            with contextlib.suppress(HoldfastError):
                clean(tools, interrupted(tools, known))
            raise
        return trial if trial.expires_at is not None else clean(tools, trial)


def clean(tools: TrialTools, trial: Trial, *, note: str = "") -> Trial:
    """Nothing is left of it afterwards, or the record says what kept it; it is done again then."""
    watch = _Watch(tools)
    try:
        if trial.promoted is not None:
            end(tools.place, trial.vm, trial.promoted)
    except HoldfastError as err:
        # However long it was to be kept, it is to go now: whoever tends what is left tries again.
        left = msgspec.structs.replace(trial, left=str(err), note=note, expires_at=None)
        return _kept(tools, left)
    watch.lap(CLEAN_UP)
    now = tools.place.clock.now()
    trial = msgspec.structs.replace(
        trial,
        cleaned_at=now,
        left="",
        note=note or trial.note,
        parts=(*trial.parts, *watch.parts),
    )
    if trial.counts:
        mark = Tested(generation=trial.generation, at=now, trial=trial.id)
        mark_tested(tools.folder.home, trial.vm, mark)
    trial = _kept(tools, trial)
    tools.folder.forget_old()
    return trial


def interrupted(tools: TrialTools, trial: Trial) -> Trial:
    """As one of which nobody knows how it would have gone on."""
    if trial.is_over:
        return trial
    return msgspec.structs.replace(
        trial,
        state=TrialState.FAILURE,
        message=trial.message or _("it was interrupted"),
        ended_at=tools.place.clock.now(),
        expires_at=None,
    )


def _kept(tools: TrialTools, trial: Trial) -> Trial:
    saved = tools.folder.save(trial)
    tools.on_trial(saved)
    return saved


def _judged(tools: TrialTools, trial: Trial, watch: _Watch) -> Trial:
    try:
        trial, plan = _planned(tools, trial, watch)
        trial, domain = _started(tools, trial, plan, watch)
        trial = _looked_at(tools, trial, plan, domain, watch)
    except HoldfastError as err:
        trial = tools.folder.known(trial.id) or trial
        trial = msgspec.structs.replace(
            trial, state=TrialState.FAILURE, message=str(err), error=err.code
        )
    return _kept(tools, _ended(tools, trial, watch))


def _planned(tools: TrialTools, trial: Trial, watch: _Watch) -> tuple[Trial, PromotionPlan]:
    """Nothing is made before the record names all of it."""
    place = tools.place
    wish = PromotionWish(
        act=trial.id,
        generation=trial.generation,
        name=trial.trial_name,
        is_copy=True,
        networks=wanted_networks(trial.wish.networks),
        kept_networks=tools.networks,
        is_isolated=True,
    )
    plan = plan_promotion(place, trial.vm, wish)
    require_isolated(plan.lines, networks_here(place.host).without_way_out)
    require_promotable(place, plan)
    watch.lap(PREPARE)
    trial = msgspec.structs.replace(trial, state=TrialState.RUNNING, promoted=plan.promoted)
    return _kept(tools, trial), plan


def wanted_networks(networks: Mapping[str, str]) -> dict[str, NetworkPlace | None]:
    """By the old one; nothing, or none, is a line that is unplugged."""
    return dict(parse_network(f"{old}={new or 'none'}") for old, new in networks.items())


def _started(
    tools: TrialTools, trial: Trial, plan: PromotionPlan, watch: _Watch
) -> tuple[Trial, Domain]:
    def on_step(word: str) -> None:
        tools.place.on_step(word)
        watch.lap(word)

    promoted = promote(replace(tools.place, on_step=on_step), plan)
    running = msgspec.structs.replace(
        trial, promoted=promoted, seconds_to_running=watch.seconds, parts=tuple(watch.parts)
    )
    domain = domain_of(tools.place, promoted)
    if domain is None:
        raise PromotionNotStarted(about=trial.trial_name, reason=_("it is gone"))
    return _kept(tools, running), domain


def _looked_at(
    tools: TrialTools, trial: Trial, plan: PromotionPlan, domain: Domain, watch: _Watch
) -> Trial:
    rules = tools.addresses | of_machine(trial.wish.addresses, trial.vm)
    trial = with_addresses(tools.place, trial, plan, domain=domain, rules=rules)
    subject = _subject(tools, trial, plan, domain)
    wishes = trial.wish.checks or usual_checks(has_agent=subject.has_agent)
    seen = check_all(subject, wishes, on_checked=tools.on_checked)
    bad = [each for each in seen if not each.is_good]
    watch.lap(CHECKS)
    up = watch.seconds
    reason = _photographed(tools, trial, domain)
    trial = msgspec.structs.replace(trial, checks=seen, picture_reason=reason)
    if not bad:
        return msgspec.structs.replace(trial, state=TrialState.SUCCESS, seconds_to_up=up)
    message = "; ".join(f"{each.text}: {each.said}" for each in bad)
    return msgspec.structs.replace(trial, state=TrialState.FAILURE, message=message)


def _subject(tools: TrialTools, trial: Trial, plan: PromotionPlan, domain: Domain) -> Subject:
    clock = tools.place.clock
    return Subject(
        domain=domain,
        clock=clock,
        deadline=clock.monotonic() + trial.wish.within,
        has_agent=read_domain(plan.description).has_agent_channel,
        has_network=any(line.place is not None for line in plan.lines),
        environment={**tools.environment, **_told(trial, plan.promoted)},
    )


def _told(trial: Trial, promoted: Promoted) -> dict[str, str]:
    """For commands on this host."""
    return {
        "HOLDFAST_VM": trial.name,
        "HOLDFAST_VM_UUID": trial.vm,
        "HOLDFAST_TEST_VM": promoted.name,
        "HOLDFAST_TEST_UUID": promoted.uuid,
        "HOLDFAST_TEST_ID": trial.id,
        "HOLDFAST_POINT": trial.generation,
        "HOLDFAST_POINT_TAKEN_AT": trial.taken_at.isoformat() if trial.taken_at else "",
    }


def _photographed(tools: TrialTools, trial: Trial, domain: Domain) -> str:
    """Keep what its screen shows, or say why there is nothing to see."""
    picture, reason = picture_of(domain)
    if picture is None:
        return reason
    try:
        content = png_of(picture)
    except ValueError as err:
        return str(err)
    tools.folder.screen(trial.id).write_bytes(content)
    return ""


def _ended(tools: TrialTools, trial: Trial, watch: _Watch) -> Trial:
    now = tools.place.clock.now()
    keep = trial.wish.keep
    trial = msgspec.structs.replace(trial, ended_at=now, parts=tuple(watch.parts))
    if keep is None or trial.promoted is None:
        return trial
    return msgspec.structs.replace(trial, expires_at=now + timedelta(seconds=keep))
