"""Planned failover of a machine that goes on running: only what changed crosses the link."""

import contextlib
from collections.abc import Callable, Iterator

from holdfast.app.recovery_acting import (
    acting,
    promotion_place,
    refused_unless,
    starting,
    starting_wish,
)
from holdfast.app.recovery_failback import require_replica
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.app.recovery_way_back import doubts_of_way_back
from holdfast.base.errors import HoldfastError
from holdfast.recovery.acts import OnStep
from holdfast.recovery.failing_back import Homecoming
from holdfast.recovery.live import Arriving, go_on_or_anew
from holdfast.recovery.record import ActKind


def fail_over_live(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the site, while the source works."""
    with (
        acting(here, ActKind.PLANNED_LIVE, on_step, **starting_wish(wish)) as begun,
        promotion_place(here) as place,
    ):
        what = starting(begun, place)
        what.warnings.extend(doubts_of_way_back(here))
        coming = Arriving(what, hypervisor=here.session.settings.libvirt)
        with refused_unless(begun, coming.is_under_way), _tidy(coming, coming.is_under_way):
            go_on_or_anew(
                coming, lambda: begun.perform(coming.steps()), is_under_way=coming.is_under_way
            )
        return begun.finish(figures=what.figures, warnings=what.warnings)


def fail_back_live(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At its home, while the host it runs at works."""
    require_replica(here)
    with (
        acting(here, ActKind.FAILBACK_LIVE, on_step, **starting_wish(wish)) as begun,
        promotion_place(here) as place,
    ):
        what = starting(begun, place)
        home = Homecoming(starting=what)
        coming = Arriving(home.at_home(), hypervisor=here.session.settings.libvirt)

        def is_under_way() -> bool:
            return home.has_begun() or coming.is_under_way()

        steps = home.steps()
        if not home.has_begun():
            steps = (home.look(), *coming.steps(), *steps)
        with refused_unless(begun, is_under_way), _tidy(coming, is_under_way):
            go_on_or_anew(coming, lambda: begun.perform(steps), is_under_way=is_under_way)
        return begun.finish(stage=home.stage, figures=what.figures, warnings=what.warnings)


@contextlib.contextmanager
def _tidy(coming: Arriving, is_under_way: Callable[[], bool]) -> Iterator[None]:
    """Where it goes on at its own host, nothing of it is left here."""
    try:
        yield
    except HoldfastError:
        if not is_under_way():
            coming.give_up()
        raise
