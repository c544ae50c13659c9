"""Unplanned failover: the source is gone, and a point of its machine is started here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.base.texts import _
from holdfast.recovery.act_errors import SourceMayRun
from holdfast.recovery.acts import Step
from holdfast.recovery.desk import Heard, tidings_of
from holdfast.recovery.record import Act, StepState
from holdfast.recovery.source_silence import Listening, Whether, judge_whether_it_runs, said_of
from holdfast.recovery.source_trying import Trying
from holdfast.recovery.starting import Starting

# In the record: what came of trying the source.
HANDED_OVER = "handed-over"
# Asks whoever is there; None: nobody is.
Agree = Callable[[str], bool] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How it is known that the source does not run the machine; a person may know it."""

    listening: Callable[[], Listening]
    is_source_down: bool = False
    agree: Agree = None


def unplanned_steps(
    starting: Starting, judging: Judging, trying: Trying | None = None
) -> Sequence[Step]:
    """The epoch comes before anything that runs; the source is judged before anything at all.

    Unless it is to be tried first: then it is judged by what came of that.
    """
    source = judge_source(starting, judging, trying)
    take = starting.take(at_least=lambda: _epoch_heard(starting))
    rest = (starting.start(), *starting.settle_in())
    if trying is None:
        return (source, starting.choose(), starting.look_at_room(), take, *rest)
    return (*trying.steps(), source, starting.choose(), take, trying.see_it_barred(), *rest)


def judge_source(starting: Starting, judging: Judging, trying: Trying | None = None) -> Step:
    def do() -> str:
        act = starting.now()
        if act.epoch:
            # It was judged before the machine was given to this host; nobody is asked again.
            return ""
        listening, now = judging.listening(), starting.clock.now()
        seen = said_of(listening.heard, now)
        has_answered = trying is not None and trying.has_answered
        match judge_whether_it_runs(act, listening, now, has_answered=has_answered):
            case Whether.NO if act.handed_over:
                return _("its host has shut it down and sent its last changes")
            case Whether.NO:
                return seen
            case Whether.UNKNOWN if judging.is_source_down:
                return _said(starting, seen)
            case _:
                seen = _with_failure(seen, trying)
                if _agreed(judging.agree, starting.name, seen):
                    return _said(starting, seen)
        raise SourceMayRun(about=starting.name, seen=seen)

    return Step(name="source", do=do)


def _said(starting: Starting, seen: str) -> str:
    return _("{seen}; {who} says it runs there no more").format(seen=seen, who=starting.act.who)


def _with_failure(seen: str, trying: Trying | None) -> str:
    if trying is None or not trying.failure:
        return seen
    return _("{seen}; it was asked to shut it down: {reason}").format(
        seen=seen, reason=trying.failure
    )


def _agreed(agree: Agree, name: str, seen: str) -> bool:
    if agree is None:
        return False
    question = _("{name} may be running at its own host: {seen}. Is it certain that it does not?")
    return agree(question.format(name=name, seen=seen))


def lost_by(act: Act, *, generation: str, taken_at: datetime, heard: Heard | None) -> float:
    """What starting that point has lost, in seconds of what it wrote. Pure."""
    if act.handed_over and act.handed_over == generation:
        return 0.0
    # Until then it may have run there: the giving is what nobody there goes on after.
    given = next((note.began_at for note in act.steps if note.name == "epoch"), act.begun_at)
    return loss_seconds(taken_at, heard=heard, begun_at=given)


def what_came_of_trying(act: Act) -> str:
    """For the record: handed over, or the code of why not; empty: it was not tried. Pure."""
    note = next((note for note in act.steps if note.name == "hand-over"), None)
    if note is None:
        return ""
    return HANDED_OVER if note.state is StepState.DONE else note.error


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
