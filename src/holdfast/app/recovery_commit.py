"""Commit: what runs here stays, and the other points go."""

from collections.abc import Sequence

from holdfast.app.recovery_acting import Acting, acting, promotion_place, starting
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.base.texts import _
from holdfast.recovery.act_errors import WayBackWouldClose
from holdfast.recovery.acts import OnStep, Step
from holdfast.recovery.committing import committing_steps, completing_steps
from holdfast.recovery.failing_back import Homecoming
from holdfast.recovery.policy import refusal
from holdfast.recovery.promoting import Place
from holdfast.recovery.record import ActKind, Stage


def commit(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the host it was failed over to."""
    kind = ActKind.COMMIT
    if wish.is_completing and refusal(kind, here.standing()) is None:
        _require_agreed(here, wish)
    with acting(here, kind, on_step, is_completing=wish.is_completing) as begun:
        return _committed(here, begun)


def _committed(here: Here, begun: Acting) -> Outcome:
    with promotion_place(here) as place:
        begun.perform(_steps(here, begun, place))
    # At home there is nothing that could be left behind.
    is_completing = bool(begun.act.wish.get("is_completing")) and not here.standing().is_home_again
    return begun.finish(stage=Stage.MIGRATED if is_completing else Stage.COMMITTED)


def _steps(here: Here, begun: Acting, place: Place) -> Sequence[Step]:
    """At its home it settles: it runs upon its own images again, and no point is needed."""
    if here.standing().is_home_again:
        return Homecoming(starting=starting(begun, place)).steps()
    if begun.act.wish.get("is_completing"):
        return completing_steps(place, here.folder, home=here.home)
    return committing_steps(place, here.folder)


def _require_agreed(here: Here, wish: RecoveryWish) -> None:
    act = here.record().act
    if wish.is_agreed or (act is not None and act.wish.get("is_completing")):
        return
    question = _("{vm} can never be failed back then. Complete its migration?")
    if here.agree is None or not here.agree(question.format(vm=here.name)):
        raise WayBackWouldClose(about=here.name)
