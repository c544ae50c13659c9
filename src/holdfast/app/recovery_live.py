"""Planned failover of a machine that goes on running: only what changed crosses the link."""

import contextlib
from collections.abc import Iterator

from holdfast.app.recovery_acting import (
    acting,
    promotion_place,
    refused_unless,
    starting,
    starting_wish,
)
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.base.errors import HoldfastError
from holdfast.recovery.acts import OnStep
from holdfast.recovery.live import Arriving
from holdfast.recovery.record import ActKind


def fail_over_live(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At the site, while the source works."""
    return _come_here(here, wish, on_step, ActKind.PLANNED_LIVE)


def fail_back_live(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:
    """At its home, while the host it runs at works."""
    return _come_here(here, wish, on_step, ActKind.FAILBACK_LIVE)


def _come_here(here: Here, wish: RecoveryWish, on_step: OnStep, kind: ActKind) -> Outcome:
    with (
        acting(here, kind, on_step, **starting_wish(wish)) as begun,
        promotion_place(here) as place,
    ):
        what = starting(begun, place)
        coming = Arriving(what, hypervisor=here.session.settings.libvirt)
        with refused_unless(begun, coming.is_under_way), _tidy(coming):
            begun.perform(coming.steps())
        return begun.finish(figures=what.figures, warnings=what.warnings)


@contextlib.contextmanager
def _tidy(coming: Arriving) -> Iterator[None]:
    """Where it goes on at its own host, nothing of it is left here."""
    try:
        yield
    except HoldfastError:
        if not coming.is_under_way():
            coming.give_up()
        raise
