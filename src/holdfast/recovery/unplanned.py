"""Unplanned failover: the source is gone, and a point of its machine is started here."""

from collections.abc import Callable, Sequence
from datetime import datetime

from holdfast.base.texts import _
from holdfast.base.units import format_duration
from holdfast.recovery.act_errors import SourceMayRun
from holdfast.recovery.acts import Step
from holdfast.recovery.desk import Heard, tidings_of
from holdfast.recovery.source_silence import Listening, Silence, judge_silence
from holdfast.recovery.starting import Starting

# Asks whoever is there; None: nobody is.
Agree = Callable[[str], bool] | None


def unplanned_steps(
    starting: Starting, *, listening: Listening, is_source_down: bool, agree: Agree
) -> Sequence[Step]:
    """The epoch comes before anything that runs; the source is judged before anything at all."""
    return (
        judge_source(starting, listening=listening, is_source_down=is_source_down, agree=agree),
        starting.choose(),
        starting.look_at_room(),
        starting.take(at_least=lambda: _epoch_heard(starting)),
        starting.start(),
        *starting.settle_in(),
    )


def judge_source(
    starting: Starting, *, listening: Listening, is_source_down: bool, agree: Agree
) -> Step:
    def do() -> str:
        if starting.now().epoch:
            # It was judged before the machine was given to this host; nobody is asked again.
            return ""
        seen = _seen(listening, starting)
        if judge_silence(listening, starting.clock.now()) is Silence.GONE:
            return seen
        if is_source_down or _agreed(agree, starting.name, seen):
            return _("{seen}; {who} says it runs there no more").format(
                seen=seen, who=starting.act.who
            )
        raise SourceMayRun(about=starting.name, seen=seen)

    return Step(name="source", do=do)


def _agreed(agree: Agree, name: str, seen: str) -> bool:
    if agree is None:
        return False
    question = _("{name} may be running at its own host: {seen}. Is it certain that it does not?")
    return agree(question.format(name=name, seen=seen))


def _seen(listening: Listening, starting: Starting) -> str:
    heard = listening.heard
    if heard is None:
        return _("its host was never heard")
    age = format_duration(heard.age(starting.clock.now()).total_seconds())
    if heard.tidings.is_active:
        return _("its host was heard {age} ago, and it ran there").format(age=age)
    return _("its host was heard {age} ago").format(age=age)


def loss_seconds(taken_at: datetime, *, heard: Heard | None, begun_at: datetime) -> float:
    """What it wrote after its point, until it was heard last; never heard: until this was begun.

    Pure. A source that comes back while this goes on says nothing about what was lost. By the clock
    of the source, which has timed the point, as far as it has told what that said.
    """
    until = min(heard.at, begun_at) if heard is not None else begun_at
    if heard is not None and heard.tidings.now is not None:
        until += heard.tidings.now - heard.at
    return max(0.0, round((until - taken_at).total_seconds(), 3))


def _epoch_heard(starting: Starting) -> int:
    heard = tidings_of(starting.home, starting.vm)
    return heard.tidings.epoch if heard else 0
