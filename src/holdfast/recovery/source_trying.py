"""Before an unplanned failover: a source that answers yet is asked to hand the machine over.

By the steps of a planned one, and each within its time. Whatever comes of them the act goes on;
what is certain then, and what only a person can know, is judged afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.recovery.act_errors import SourceMayRun
from holdfast.recovery.acts import Step, StepSkipped
from holdfast.recovery.beginning import change_act
from holdfast.recovery.desk import drop_order, tidings_of
from holdfast.recovery.epochs import follow
from holdfast.recovery.planned import Planned
from holdfast.recovery.source_asking import SourceAsking
from holdfast.recovery.source_silence import (
    BUSY_FOR,
    Listening,
    Silence,
    has_shut_down,
    judge_silence,
    said_of,
    silent_for,
)
from holdfast.recovery.starting import Starting
from holdfast.recovery.trying_errors import SourceNoAnswer, SourceTooSlow
from holdfast.replication.site_orders import OrderKind, SourceTidings

# One that lives says something every two seconds.
ANSWER_SECONDS = 15.0
# However little time the guest has to shut down: what it wrote last takes its own.
LEAST_SYNC_SECONDS = 30.0
_PAUSE = 0.1


@dataclass(slots=True, kw_only=True)
class InTime:
    """Of one order: how long its source is waited for.

    One that `is_busy` was told before to hand over, and may be at it: by a run that was killed.
    """

    clock: Clock
    about: str
    kind: OrderKind
    patience: float
    is_busy: bool = False
    told: SourceTidings | None = None
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._since = self.clock.monotonic()

    def heard(self, told: SourceTidings) -> None:
        has_ended = self.told is not None and self.told.is_active and not told.is_active
        if self.told is None or has_ended:
            # What comes next has all of its time.
            self._since = self.clock.monotonic()
        self.told = told

    def look(self) -> None:
        """Raises SourceNoAnswer or SourceTooSlow."""
        if self.clock.monotonic() - self._since <= self._limit():
            return
        if self.told is None:
            raise SourceNoAnswer(about=self.about)
        raise SourceTooSlow(about=self.about, seconds=self._limit())

    def _limit(self) -> float:
        busy = BUSY_FOR.total_seconds()
        is_handing_over = self.kind is OrderKind.HAND_OVER
        if self.told is None:
            # It may be waiting for the agent of the guest, and says nothing meanwhile.
            return busy if is_handing_over or self.is_busy else ANSWER_SECONDS
        if is_handing_over and self.told.is_active is not False:
            # The source itself gives up once its patience is over; this is for one that hangs.
            return self.patience + busy
        return max(self.patience, LEAST_SYNC_SECONDS)


@dataclass(slots=True, kw_only=True)
class Trying:
    """`has_answered` once the source has, in this run of the act."""

    starting: Starting
    asking: SourceAsking
    listening: Callable[[], Listening]
    has_answered: bool = False
    # What it failed with, for who has to decide then.
    failure: str = ""
    _is_mute: bool = False

    def steps(self) -> Sequence[Step]:
        """The room comes first: the guest need not be shut down for nothing."""
        return (
            self.starting.look_at_room(),
            Step(name="catch-up", do=lambda: self._tried("catch-up", self._catch_up)),
            Step(
                name="hand-over",
                do=lambda: self._tried("hand-over", self._hand_over),
                is_done=lambda: bool(self.starting.now().handed_over),
            ),
        )

    def see_it_barred(self) -> Step:
        """Of one that was shut down and not barred: nobody has started it there meanwhile."""
        return Step(name="order", do=self._see_it_barred)

    def _tried(self, name: str, do: Callable[[], str]) -> str:
        if self.starting.now().epoch:
            # It was tried before the machine was given to this host.
            before = next((note for note in self.starting.act.steps if note.name == name), None)
            raise StepSkipped(before.said if before else "", code=before.error if before else "")
        try:
            return do()
        except HoldfastError as err:
            self.failure = str(err)
            raise StepSkipped(str(err), code=err.code) from err

    def _catch_up(self) -> str:
        listening, now = self.listening(), self._clock.now()
        heard = listening.heard
        silence = judge_silence(listening, now, silent_for=silent_for(self.starting.now()))
        if silence is not Silence.SPEAKS or heard is None:
            self._is_mute = True
            raise StepSkipped(said_of(heard, now), code=SourceNoAnswer.code)
        follow(self.starting.folder, epoch=heard.tidings.epoch)
        in_time = self._in_time(OrderKind.CATCH_UP)
        try:
            return self._planned(in_time).catch_up().do()
        except SourceNoAnswer:
            self._is_mute = True
            drop_order(self.starting.folder)
            raise

    def _hand_over(self) -> str:
        known = self._handed_over()
        if known is not None:
            self._keep(known)
            return ""
        if self._is_mute:
            raise SourceNoAnswer(about=self.starting.name)
        in_time = self._in_time(OrderKind.HAND_OVER)
        # Before it is told: whoever takes this back has to release it.
        change_act(self.starting.folder, self.starting.act, has_asked=True)
        try:
            said = self._planned(in_time).hand_over().do()
        except HoldfastError:
            self._let_go(in_time.told)
            raise
        if in_time.told is not None:
            self._keep(in_time.told)
        return said

    def _keep(self, told: SourceTidings) -> None:
        # A point that was chosen by a run before this one is not the newest any more.
        change_act(
            self.starting.folder,
            self.starting.act,
            has_asked=True,
            handed_over=told.generation,
            generation="",
        )

    def _handed_over(self) -> SourceTidings | None:
        """As it said last, whether it has died since or not."""
        heard = tidings_of(self.starting.home, self.starting.vm)
        told = heard.tidings if heard else None
        if told is None or not told.is_done or told.doing is not OrderKind.HAND_OVER:
            return None
        return told if has_shut_down(told, self.starting.act.id) else None

    def _let_go(self, told: SourceTidings | None) -> None:
        """It runs on there as ever; one that is off goes on with it, which is of use at any time."""
        if told is not None and told.is_active is False:
            return
        drop_order(self.starting.folder)
        if told is not None and self._is_released():
            change_act(self.starting.folder, self.starting.act, has_asked=False)

    def _is_released(self) -> bool:
        since, deadline = self._clock.now(), self._clock.monotonic() + ANSWER_SECONDS
        while self._clock.monotonic() < deadline:
            heard = tidings_of(self.starting.home, self.starting.vm)
            if heard is not None and heard.at > since and _runs_as_ever(heard.tidings):
                return True
            self._clock.sleep(_PAUSE)
        return False

    def _see_it_barred(self) -> str:
        act = self.starting.now()
        if act.handed_over:
            return ""
        if not act.has_asked:
            heard = tidings_of(self.starting.home, self.starting.vm)
            raise StepSkipped(said_of(heard, self._clock.now()))
        deadline = self._clock.monotonic() + ANSWER_SECONDS
        while self._clock.monotonic() < deadline:
            heard = tidings_of(self.starting.home, self.starting.vm)
            if heard is not None and heard.tidings.epoch >= act.epoch:
                if heard.tidings.is_active:
                    seen = said_of(heard, self._clock.now())
                    raise SourceMayRun(about=self.starting.name, seen=seen)
                if heard.tidings.is_fenced:
                    return ""
            self._clock.sleep(_PAUSE)
        no_answer = SourceNoAnswer(about=self.starting.name)
        raise StepSkipped(str(no_answer), code=no_answer.code)

    @property
    def _clock(self) -> Clock:
        return self.starting.clock

    def _in_time(self, kind: OrderKind) -> InTime:
        patience = self.asking.patience.seconds
        return InTime(
            clock=self._clock,
            about=self.starting.name,
            kind=kind,
            patience=patience,
            is_busy=self.starting.now().has_asked,
        )

    def _planned(self, in_time: InTime) -> Planned:
        def heard(told: SourceTidings) -> None:
            self.has_answered = True
            in_time.heard(told)

        asking = replace(self.asking, on_tidings=heard, on_wait=in_time.look)
        return Planned(starting=self.starting, asking=asking)


def _runs_as_ever(told: SourceTidings) -> bool:
    return told.is_active is True and told.doing is OrderKind.NOTHING
