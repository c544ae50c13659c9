"""Planned failover of a machine that is shut down for it: what it wrote last is what starts here.

Until the epoch is durable here the machine is its source's, and an undo starts it there again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.base.texts import _
from holdfast.base.units import format_duration
from holdfast.recovery.acts import Step
from holdfast.recovery.beginning import change_act
from holdfast.recovery.epochs import follow
from holdfast.recovery.planned_errors import HandedOverOther
from holdfast.recovery.source_asking import SourceAsking
from holdfast.recovery.starting import Starting
from holdfast.replication.site_orders import OrderKind, SourceTidings


def planned_steps(starting: Starting, asking: SourceAsking) -> Sequence[Step]:
    planned = Planned(starting=starting, asking=asking)
    return (
        *handing_steps(starting, asking),
        planned.choose(),
        starting.take(at_least=planned.epoch_heard),
        starting.start(),
        *starting.settle_in(),
    )


def handing_steps(starting: Starting, asking: SourceAsking) -> Sequence[Step]:
    """Up to where it is off at its host, and all of it is here; it can wait there for the rest."""
    planned = Planned(starting=starting, asking=asking)
    return (planned.look_here(), planned.catch_up(), planned.hand_over())


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Its steps; those of a failback are the same, in the other direction."""

    starting: Starting
    asking: SourceAsking

    def look_here(self) -> Step:
        """While the guest still runs there: it need not be shut down for nothing."""

        def do() -> str:
            starting = self.starting
            if self._is_handed_over():
                return starting.said_of_room()
            heard = self.asking.require_heard()
            follow(starting.folder, epoch=heard.tidings.epoch)
            newest = starting.facts().points[-1].generation
            return starting.look(starting.plan(newest))

        return Step(name="room", do=do)

    def catch_up(self) -> Step:
        """What has changed so far is brought while the guest runs, so that the rest is little."""

        def do() -> str:
            if self._is_handed_over():
                return ""
            return self.asking.ask(OrderKind.CATCH_UP).generation

        return Step(name="catch-up", do=do)

    def hand_over(self) -> Step:
        def do() -> str:
            clock, asking = self.starting.clock, self.asking
            begun = clock.monotonic()
            told = asking.ask(OrderKind.HAND_OVER)
            seconds = round(clock.monotonic() - begun, 3)
            self.starting.figures["seconds_to_hand_over"] = seconds
            how = told.facts.get("shut-down", "") or _("it was off")
            return _("{how}, in {duration}").format(how=how, duration=format_duration(seconds))

        return Step(name="hand-over", do=do, is_done=self._is_handed_over)

    def choose(self) -> Step:
        """The point that the source has handed over, and no other."""

        def do() -> str:
            told = self._handed_over()
            facts = self.starting.facts()
            here = facts.points[-1].generation if facts.points else "-"
            there = told.generation if told else "-"
            if here != there or facts.head != there:
                raise HandedOverOther(about=self.starting.name, here=here, there=there)
            change_act(self.starting.folder, self.starting.act, generation=there)
            return there

        return Step(name="point", do=do, is_done=lambda: bool(self.starting.now().generation))

    def epoch_heard(self) -> int:
        told = self.asking.fresh()
        return told.epoch if told else 0

    def _is_handed_over(self) -> bool:
        return self.starting.now().epoch > 0 or self._handed_over() is not None

    def _handed_over(self) -> SourceTidings | None:
        told = self.asking.has_done(OrderKind.HAND_OVER)
        return told if told is not None and told.is_fenced else None
