"""At a site: a machine comes here while it runs, and only what changed last crosses the link.

The steps of an act, each of which may be taken again. Until the machine stands ready here and its
own host has said that it cannot be started there any more, that host is right; then an epoch is
made durable, and the machine runs on here.
"""

import contextlib
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Protocol

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.hypervisor.checkpoints import delete_checkpoint, redefine_checkpoint
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.states import State
from holdfast.recovery.act_errors import MachineEnded
from holdfast.recovery.acts import Step, StepSkipped
from holdfast.recovery.beginning import change_act
from holdfast.recovery.desk import Heard, drop_order, order_of, put_order, tidings_of
from holdfast.recovery.epochs import follow
from holdfast.recovery.live_arrival import arriving, furnish
from holdfast.recovery.live_errors import (
    LiveArrivedOdd,
    LiveNotRunning,
    LiveSourceRefuses,
    LiveSourceSilent,
)
from holdfast.recovery.live_leaving import FREEZE, MIGRATE
from holdfast.recovery.live_sockets import (
    clear_room,
    make_room,
    open_doors,
    shut_doors,
    way_of,
)
from holdfast.recovery.promoting import domain_of, end
from holdfast.recovery.record import Promoted
from holdfast.recovery.source_asking import require_known
from holdfast.recovery.starting import Starting
from holdfast.recovery.way_back_notes import hold_record
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings

_LOOK = 0.02
_SILENCE = 90.0
# A source says every two seconds how it is.
_NEXT_WORD = 5.0
_FIGURES = (
    *("pause_ms", "downtime_ms", "migration_ms"),
    *("log_bytes", "memory_bytes", "disk_bytes", "rpc_bytes"),
)
_NOT_WHOLE = ("migration", "starting-up")
_ON_ITS_WAY = ("frozen", "migrating", "gone")


class GivenUp(Protocol):
    """What may be given up, so that it goes on at its own host."""

    def give_up(self) -> None: ...


def go_on_or_anew(
    coming: GivenUp, do: Callable[[], None], *, is_under_way: Callable[[], bool]
) -> None:
    """A try of before that has failed at its own host meanwhile is begun anew, once.

    This host knows of it only what it heard last, as before its power was cut.
    """
    goes_on = is_under_way()
    try:
        do()
    except LiveSourceRefuses:
        if not goes_on or is_under_way():
            raise
        coming.give_up()
        do()


class Arriving:
    """`hypervisor` is the URI of this host's own."""

    def __init__(self, starting: Starting, *, hypervisor: str, patience: float = 3600.0) -> None:
        self._starting, self._hypervisor, self._patience = starting, hypervisor, patience
        self._folder, self._act = starting.folder, starting.act
        self._clock = starting.clock
        self._began = self._clock.now()

    def steps(self) -> Sequence[Step]:
        return (
            Step(name="running", do=self._before(self._see_source)),
            Step(name="room", do=self._before(self._see_room)),
            Step(name="catch-up", do=self._before(self._catch_up)),
            Step(name="freeze", do=self._freeze, is_done=self._is_on_its_way),
            Step(name="move", do=self._move, is_done=self._has_left),
            self._starting.take(at_least=self._epoch_heard),
            Step(name="resume", do=self._resume, is_done=self._is_resumed),
            Step(name="records", do=self._take_records),
            *self._starting.settle_in(),
        )

    def is_under_way(self) -> bool:
        """It may come here yet, or has: then only going on, or an undo, is right."""
        order = order_of(self._folder)
        is_called = order is not None and order.options.get("phase") == MIGRATE
        return self._has_left() or (is_called and not self._is_refused())

    def give_up(self) -> None:
        """It goes on at its own host, which hears that nothing is wanted of it any more."""
        self._drop_arrival()
        drop_order(self._folder)

    # Before anything is changed.

    def _before(self, do: Callable[[], str]) -> Callable[[], str]:
        """Once it is on its way these are over."""

        def done() -> str:
            if self._is_on_its_way():
                raise StepSkipped(_("it is on its way"))
            return do()

        return done

    def _see_source(self) -> str:
        heard = self._heard(within=_SILENCE)
        if heard.tidings.is_active is False:
            heard = self._next_heard(heard)
        if heard.tidings.is_active is False:
            raise LiveNotRunning(about=self._starting.name)
        follow(self._folder, epoch=heard.tidings.epoch)
        return ""

    def _see_room(self) -> str:
        starting = self._starting
        # The point it comes by is not made yet; the newest one is as good for a look.
        change_act(self._folder, self._act, generation=starting.facts().head)
        plan = starting.plan()
        change_act(self._folder, self._act, generation="")
        return starting.look(plan)

    def _catch_up(self) -> str:
        """So that little is left to be brought while the machine writes into images of its own."""
        # Only the order of a try before says where its sockets are.
        self._drop_arrival()
        self._order(OrderKind.CATCH_UP)
        told = self._wait(lambda told: told.doing is OrderKind.CATCH_UP and told.is_done)
        return told.generation

    # The two halves of the way.

    def _freeze(self) -> str:
        self._order(OrderKind.HAND_OVER_LIVE, phase=FREEZE, attempt=token_hex(8))
        told = self._wait(lambda told: told.facts.get("live") == "frozen")
        generation = told.facts["generation"]
        change_act(self._folder, self._act, generation=generation)
        return _("{size} shipped").format(size=format_size(int(told.facts.get("log_bytes", "0"))))

    def _move(self) -> str:
        heard = self._last()
        if heard is not None and heard.at < self._began:
            # Heard by a run before this one: it may be on its way here at this moment.
            self._next_heard(heard, within=_SILENCE)
        told = self._told()
        if told is None or told.facts.get("live") != "gone":
            self._call(told)
            told = self._wait(lambda told: told.facts.get("live") == "gone")
        self._close()
        self._require_here()
        # Nothing is looked at twice between here and there: the guest stands still.
        self._starting.take(at_least=self._epoch_heard).do()
        self._resume()
        self._note_figures(told)
        return self._said_of_move(told)

    def _said_of_move(self, told: SourceTidings) -> str:
        carried = sum(int(told.facts.get(name, "0")) for name in ("memory_bytes", "disk_bytes"))
        if "stood_ms" not in self._starting.figures:
            return ""
        return _("{size} carried, it stood still for {seconds} s").format(
            size=format_size(carried), seconds=self._starting.figures["stood_ms"] / 1000
        )

    def _call(self, told: SourceTidings | None) -> None:
        """All that it needs here, and then the word."""
        facts = told.facts if told else {}
        if facts.get("live") != "frozen":
            return
        plan = self._starting.plan()
        self._keep(plan.promoted)
        furnish(self._starting.place, plan)
        attempt = facts["attempt"]
        way = way_of(self._act.id, attempt)
        make_room(way)
        open_doors(self._folder, self._act.id, way, hypervisor=self._hypervisor)
        self._order(
            OrderKind.HAND_OVER_LIVE,
            phase=MIGRATE,
            attempt=attempt,
            generation=facts["generation"],
            definition=arriving(facts["definition"], plan),
            # At home it is started the next time as it was defined there.
            kept=plan.description if self._starting.original else arriving(facts["kept"], plan),
            record=facts.get("record", ""),
            records=facts.get("records", ""),
        )

    def _close(self) -> None:
        order = order_of(self._folder)
        shut_doors(self._folder)
        if order is not None:
            clear_room(way_of(self._act.id, order.options.get("attempt", "")))

    # When it stands here.

    def _require_here(self) -> Domain:
        promoted = self._starting.record().promoted
        domain = domain_of(self._starting.place, promoted) if promoted else None
        standing = domain.standing() if domain else None
        if domain is None or standing is None or not standing.is_active:
            if self._has_run_here():
                raise MachineEnded(about=self._starting.name)
            reason = standing.reason if standing else _("this host does not know it")
            raise LiveArrivedOdd(about=self._starting.name, reason=reason)
        if standing.state is State.PAUSED and standing.reason in _NOT_WHOLE:
            # Its memory never came to an end.
            raise LiveArrivedOdd(about=self._starting.name, reason=standing.reason)
        return domain

    def _resume(self) -> str:
        self._start_again()
        domain = self._require_here()
        promoted = self._starting.record().promoted
        assert promoted is not None
        if promoted.started_at is None:
            # Before it runs: should it end at once, what it wrote is here and nowhere else.
            self._keep(msgspec.structs.replace(promoted, started_at=self._clock.now()))
        if domain.standing().state is State.PAUSED:
            domain.resume()
        return ""

    def _start_again(self) -> None:
        """It has run here and ended, as by a power cut: what it wrote by then is nowhere else."""
        promoted = self._starting.record().promoted
        domain = domain_of(self._starting.place, promoted) if promoted else None
        if domain is not None and self._has_run_here() and not domain.is_active():
            domain.start()

    def _has_run_here(self) -> bool:
        promoted = self._starting.record().promoted
        return promoted is not None and promoted.started_at is not None

    def _is_resumed(self) -> bool:
        promoted = self._starting.record().promoted
        if promoted is None or promoted.started_at is None:
            return False
        domain = domain_of(self._starting.place, promoted)
        return domain is not None and domain.standing().state is State.RUNNING

    def _take_records(self) -> str:
        """What records its changes came along with its disks, and libvirt has to be told."""
        domain, order = self._require_here(), order_of(self._folder)
        promoted = self._starting.record().promoted
        assert promoted is not None
        stored = order.options.get("record", "") if order else ""
        kept = ""
        with contextlib.suppress(HoldfastError):
            redefine_checkpoint(domain, stored)
            kept = promoted.checkpoint
        self._keep(msgspec.structs.replace(promoted, checkpoint=kept))
        others = order.options.get("records", "").split(",") if order else []
        for name in others:
            # Of its old host, and nobody's here: each costs every write a little.
            if name and name != promoted.checkpoint:
                with contextlib.suppress(HoldfastError):
                    redefine_checkpoint(domain, stored.replace(promoted.checkpoint, name))
                    delete_checkpoint(domain, name)
        return ""

    def _note_figures(self, told: SourceTidings) -> None:
        figures = self._starting.figures
        for name in _FIGURES:
            if name in told.facts:
                figures[name] = float(told.facts[name])
        heard = self._last()
        promoted = self._starting.record().promoted
        if heard and promoted and promoted.started_at and "stood_ms" in told.facts:
            here = (promoted.started_at - heard.at).total_seconds() * 1000
            figures["stood_ms"] = round(float(told.facts["stood_ms"]) + max(0.0, here))

    # What is asked of the world.

    def _has_left(self) -> bool:
        return self._starting.now().epoch > 0

    def _is_on_its_way(self) -> bool:
        told = self._told()
        is_there = told is not None and told.facts.get("live") in _ON_ITS_WAY
        return self._has_left() or (is_there and bool(self._starting.now().generation))

    def _is_refused(self) -> bool:
        """The source has said why not, for this very try; it has put everything back."""
        heard = self._last()
        return heard is not None and bool(heard.tidings.error) and self._is_of_order(heard.tidings)

    def _told(self) -> SourceTidings | None:
        """What the source says of this try; None while that is nothing, or an error."""
        heard, order = self._last(), order_of(self._folder)
        if heard is None or order is None or order.act != self._act.id:
            return None
        told = heard.tidings
        is_of_try = told.facts.get("attempt") == order.options.get("attempt")
        return told if is_of_try and told.act == self._act.id and not told.error else None

    def _wait(self, is_so: Callable[[SourceTidings], bool]) -> SourceTidings:
        begun = self._clock.now()
        while True:
            heard = self._heard(within=_SILENCE)
            told = heard.tidings
            require_known(told, self._starting.record())
            if told.act == self._act.id and self._is_of_order(told):
                if is_so(told):
                    return told
                if told.error and heard.at > begun:
                    raise LiveSourceRefuses(
                        about=self._starting.name, said=told.said, advice=told.advice
                    )
            self._clock.sleep(_LOOK)

    def _is_of_order(self, told: SourceTidings) -> bool:
        order = order_of(self._folder)
        if order is None or told.doing is not order.kind:
            return False
        attempt = order.options.get("attempt")
        return attempt is None or told.facts.get("attempt", attempt) == attempt

    def _heard(self, *, within: float) -> Heard:
        heard = self._last()
        if heard is None or heard.age(self._clock.now()).total_seconds() > within:
            raise LiveSourceSilent(about=self._starting.name, seconds=int(within))
        return heard

    def _next_heard(self, before: Heard, *, within: float = _NEXT_WORD) -> Heard:
        """Things may have changed since; where nothing comes, what was said before counts."""
        until = self._clock.monotonic() + within
        while (heard := self._heard(within=_SILENCE)) == before:
            if self._clock.monotonic() > until:
                break
            self._clock.sleep(_LOOK)
        return heard

    def _last(self) -> Heard | None:
        return tidings_of(self._starting.home, self._starting.vm)

    def _epoch_heard(self) -> int:
        heard = self._last()
        return heard.tidings.epoch if heard else 0

    def _order(self, kind: OrderKind, **options: str) -> None:
        order = SiteOrder(
            kind=kind, act=self._act.id, patience=self._patience, options=dict(options)
        )
        put_order(self._folder, order)

    def _keep(self, promoted: Promoted) -> None:
        self._folder.change(lambda record: msgspec.structs.replace(record, promoted=promoted))
        hold_record(self._starting.home, self._starting.vm, self._clock, promoted.checkpoint)

    def _drop_arrival(self) -> None:
        """Of a try before: it never ran here."""
        promoted = self._starting.record().promoted
        self._close()
        if promoted is not None and promoted.started_at is None:
            end(self._starting.place, self._starting.vm, promoted)
            self._folder.change(lambda record: msgspec.structs.replace(record, promoted=None))
