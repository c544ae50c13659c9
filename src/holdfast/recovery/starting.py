"""The steps by which a machine comes up here from a point, of whatever act they are part."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.recovery.act_errors import MachineEnded, PointUnknown
from holdfast.recovery.acts import Step, StepSkipped
from holdfast.recovery.address_rules import AddressRule, of_machine
from holdfast.recovery.addressing import require_agent
from holdfast.recovery.beginning import change_act, current_act
from holdfast.recovery.choosing import choose_point
from holdfast.recovery.epochs import has_taken, take
from holdfast.recovery.networks import kept_places, load_networks
from holdfast.recovery.promoting import (
    Place,
    PromotionPlan,
    PromotionWish,
    domain_of,
    plan_promotion,
    promote,
)
from holdfast.recovery.promotion_preflight import require_promotable
from holdfast.recovery.record import Act, Promoted, RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.starting_addresses import address_steps, answers
from holdfast.recovery.tested_points import tested_points
from holdfast.recovery.way_back_notes import hold_record
from holdfast.replication.replica_facts import ReplicaFacts, ReplicaPoint

_AGENT_PATIENCE = 300.0
_PAUSE = 0.5


@dataclass(slots=True, kw_only=True)
class Starting:
    """One act that starts the machine of `vm` here; `home` is Holdfast's, not the machine's."""

    place: Place
    home: str
    folder: RecordFolder
    act: Act
    name: str
    machine_id: str
    networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    # Said for this time, before those of the site.
    addresses: Mapping[str, AddressRule] = field(default_factory=dict)
    # Where the machine is at home: the definition it had there.
    original: str = ""
    agent_patience: float = _AGENT_PATIENCE
    warnings: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    _began: float = field(init=False)
    _plan: PromotionPlan | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()

    @property
    def clock(self) -> Clock:
        return self.place.clock

    @property
    def vm(self) -> str:
        return self.folder.vm

    def record(self) -> RecoveryRecord:
        record = self.folder.load()
        assert record is not None, "an act has begun, so there is a record"
        return record

    def now(self) -> Act:
        return current_act(self.folder, self.act)

    def choose(self) -> Step:
        """Once chosen it stays, whatever comes meanwhile."""

        def do() -> str:
            point = self._wished()
            change_act(self.folder, self.act, generation=point.generation)
            return said_of(point)

        return Step(name="point", do=do, is_done=lambda: bool(self.now().generation))

    def look_at_room(self) -> Step:
        """While nothing is changed yet; afterwards what is here is our own."""

        def do() -> str:
            return self.said_of_room() if self.now().epoch else self.look(self.plan(self._seen()))

        return Step(name="room", do=do)

    def _wished(self) -> ReplicaPoint:
        """As things are now."""
        wish = str(self.act.wish.get("point", ""))
        tested = tested_points(self.home, self.vm)
        return choose_point(self.facts().points, wish, about=self.name, tested=tested)

    def _seen(self) -> str:
        """What is looked at: the point that was chosen, or the one that would be."""
        return self.now().generation or self._wished().generation

    def look(self, plan: PromotionPlan) -> str:
        """Raises what would keep it from being started; else what will not be as it was."""
        require_promotable(self.place, plan)
        require_agent(
            self.rules(),
            names=(self.name, plan.promoted.name, self.vm),
            about=self.name,
            has_channel=read_domain(plan.description).has_agent_channel,
        )
        self.warnings.extend(plan.warnings)
        return "; ".join(plan.warnings)

    def rules(self) -> dict[str, AddressRule]:
        """For addresses: of this site, and over them what was said for this time."""
        return load_networks(self.home).addresses | of_machine(self.addresses, self.vm)

    def said_of_room(self) -> str:
        """By the run before, which looked while there was still something to look for."""
        return next((note.said for note in self.act.steps if note.name == "room"), "")

    def take(self, *, at_least: Callable[[], int] = lambda: 0) -> Step:
        def do() -> str:
            record = take(self.folder, self.act, machine_id=self.machine_id, at_least=at_least())
            return _("epoch {epoch}").format(epoch=record.epoch)

        def is_done() -> bool:
            return has_taken(self.record(), self.act, machine_id=self.machine_id)

        return Step(name="epoch", do=do, is_done=is_done)

    def start(self) -> Step:
        return Step(name="promote", do=self._start, is_done=self._is_started)

    def settle_in(self) -> Sequence[Step]:
        """What is left once it runs: its agent answers, and it has the addresses of this site."""
        return (Step(name="agent", do=self._wait_for_agent), *address_steps(self))

    def facts(self) -> ReplicaFacts:
        facts = self.place.site.state(self.vm)
        if facts is None:
            raise PointUnknown(about=self.name, wish=self.act.wish.get("point", ""))
        return facts

    def plan(self, generation: str = "") -> PromotionPlan:
        """Of the point that was chosen, or of another one to look at."""
        kept = kept_places(load_networks(self.home).networks)
        wish = PromotionWish(
            act=self.act.id,
            generation=generation or self.now().generation,
            networks=self.networks,
            kept_networks=kept,
            original=self.original,
            name=str(self.act.wish.get("new_name", "")),
            replaces=str(self.act.wish.get("replaces", "")),
        )
        return plan_promotion(self.place, self.vm, wish)

    def _start(self) -> str:
        plan = self.plan()
        # Written down before it is made: whoever takes it back finds all of it.
        self._keep(plan.promoted)
        promoted = promote(self.place, plan)
        self._keep(promoted)
        self.figures["seconds_to_running"] = round(self.clock.monotonic() - self._began, 3)
        return ", ".join(f"{old} → {new or '-'}" for old, new in sorted(promoted.networks.items()))

    def _is_started(self) -> bool:
        promoted = self.record().promoted
        if promoted is None or promoted.started_at is None or not self._is_of_act(promoted):
            return False
        domain = domain_of(self.place, promoted)
        return domain is not None and domain.is_active()

    def _is_of_act(self, promoted: Promoted) -> bool:
        return promoted.generation == self.now().generation and self.act.id in promoted.folder

    def _keep(self, promoted: Promoted) -> None:
        self.folder.change(lambda record: msgspec.structs.replace(record, promoted=promoted))
        hold_record(self.home, self.vm, self.clock, promoted.checkpoint)

    def _wait_for_agent(self) -> str:
        promoted = self.record().promoted
        domain = domain_of(self.place, promoted) if promoted else None
        if domain is None or not domain.is_active():
            raise MachineEnded(about=self.name)
        if not domain.spec().has_agent_channel:
            raise StepSkipped(_("the machine has no channel for one"))
        deadline = self.clock.monotonic() + self.agent_patience
        while not answers(domain):
            if not domain.is_active():
                raise MachineEnded(about=self.name)
            if self.clock.monotonic() > deadline:
                return self._without_agent()
            self.clock.sleep(_PAUSE)
        self.figures["seconds_to_up"] = round(self.clock.monotonic() - self._began, 3)
        return ""

    def _without_agent(self) -> str:
        said = _("it runs, and its guest agent did not answer within {seconds} s").format(
            seconds=round(self.agent_patience)
        )
        self.warnings.append(said)
        raise StepSkipped(said)


def said_of(point: ReplicaPoint) -> str:
    return _("of {moment}, {consistency}").format(
        moment=f"{point.taken_at.astimezone():%Y-%m-%d %H:%M:%S}",
        consistency=point.consistency.value,
    )
