"""The use cases that drive a run of a plan: begin one, go on with one, end one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from holdfast.app.plan_folder import PlanFolder, RunFolder
from holdfast.app.plan_hands import LocalHands
from holdfast.app.plan_report import write_reports
from holdfast.app.plan_standing import Standings
from holdfast.app.wiring import Session
from holdfast.recovery.plans.driving import Driver, Order
from holdfast.recovery.plans.plan import Kind, Plan
from holdfast.recovery.plans.plan_errors import (
    PlanNeverRan,
    PlanRunEnded,
    PlanRunUnderWay,
)
from holdfast.recovery.plans.progress import (
    CLEAN_UP,
    Outcome,
    Progress,
    StepState,
    concluded,
    resumed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    kind: Kind
    who: str
    is_source_down: bool = False
    tries_shut_down: bool = False
    keep: timedelta = timedelta(0)


# Longer ago, the same command means a new run.
_JUST = timedelta(hours=1)


class Listener(Protocol):
    """Who drives a run: hears of each change, and may answer what is asked."""

    def changed(self, now: "Running") -> None: ...

    def said(self, now: "Running") -> Iterable[Order]:
        """Asked again and again; what was said since, without waiting for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A run as it is now, of whichever plan it began with."""

    plan: Plan
    progress: Progress
    folder: RunFolder


def run_plan(session: Session, name: str, wish: RunWish, listener: Listener) -> Running:
    """A new run; or the one that has not come to its end, if it is of the same kind."""
    folder = PlanFolder(session.settings.home, name)
    content = folder.content()
    with folder.alone():
        newest = folder.newest()
        if newest is not None and _is_open(newest.progress()):
            return _gone_on(session, name, newest, wish, listener)
        if newest is not None and _has_just_ended(session, newest, wish):
            return _driven(session, newest, newest.progress(), listener)
        plan = folder.plan()
        standings = Standings(session)
        standings.require_each_once(plan)
        run = folder.new_run(session.clock)
        progress = Progress(
            run=run,
            plan=name,
            kind=wish.kind,
            who=wish.who,
            begun_at=session.clock.now(),
            source_is_down=wish.is_source_down,
            tries_shut_down=wish.tries_shut_down,
            keep=int(wish.keep.total_seconds()),
            is_back=wish.kind is Kind.PLANNED and standings.is_way_back(plan),
        )
        begun = RunFolder(folder.path / "runs" / run)
        begun.begin(content, progress)
        folder.forget_old()
        return _driven(session, begun, progress, listener)


def resume(session: Session, name: str, listener: Listener) -> Running:
    """What failed is tried again, what was under way is gone on with."""
    folder = PlanFolder(session.settings.home, name)
    with folder.alone():
        newest = newest_run(folder)
        progress = newest.progress()
        if progress.outcome is not None:
            if not _has_to_do(progress):
                raise PlanRunEnded(name=name, run=progress.run, outcome=progress.outcome.value)
            progress = resumed(progress)
            newest.save(progress)
        return _driven(session, newest, progress, listener)


def cancel(session: Session, name: str, who: str, listener: Listener) -> Running:
    """Said to whoever drives it; where nobody does, it is brought to its end here."""
    folder = PlanFolder(session.settings.home, name)
    newest = newest_run(folder)
    progress = newest.progress()
    if progress.outcome not in {None, Outcome.STOPPED}:
        assert progress.outcome is not None
        raise PlanRunEnded(name=name, run=progress.run, outcome=progress.outcome.value)
    if folder.is_driven():
        newest.say(Order(who=who), session.clock)
        return Running(plan=newest.plan(), progress=progress, folder=newest)
    with folder.alone():
        if progress.outcome is Outcome.STOPPED:
            progress = concluded(progress, Outcome.CANCELLED, session.clock.now())
            newest.save(progress)
        else:
            newest.say(Order(who=who), session.clock)
        return _driven(session, newest, progress, listener)


def newest_run(folder: PlanFolder) -> RunFolder:
    folder.content()
    newest = folder.newest()
    if newest is None:
        raise PlanNeverRan(name=folder.name)
    return newest


def _gone_on(
    session: Session, name: str, newest: RunFolder, wish: RunWish, listener: Listener
) -> Running:
    progress = newest.progress()
    if progress.kind is not wish.kind:
        raise PlanRunUnderWay(name=name, kind=progress.kind.value, run=progress.run)
    if progress.outcome is not None:
        progress = resumed(progress)
        newest.save(progress)
    return _driven(session, newest, progress, listener)


def _driven(session: Session, run: RunFolder, progress: Progress, listener: Listener) -> Running:
    plan = run.plan()
    now = Running(plan=plan, progress=progress, folder=run)
    listener.changed(now)
    hands = LocalHands(session, plan, run.jobs, Standings(session))
    driver = Driver(plan, hands, _Keeping(now, listener), session.clock)
    done = driver.drive(progress, lambda after: listener.changed(replace(now, progress=after)))
    write_reports(run.path, plan, done)
    return replace(now, progress=done)


class _Keeping:
    """The folder of the run, and whoever drives it."""

    def __init__(self, now: Running, listener: Listener) -> None:
        self._now = now
        self._listener = listener
        self._spoken: set[int] = set()

    def save(self, progress: Progress) -> None:
        self._now.folder.save(progress)
        self._now = replace(self._now, progress=progress)

    def orders(self) -> Iterator[Order]:
        yield from self._now.folder.orders()
        for order in self._listener.said(self._now):
            self._spoken.add(id(order))
            yield order

    def heard(self, order: Order) -> None:
        if id(order) in self._spoken:
            self._spoken.remove(id(order))
        else:
            self._now.folder.heard(order)


def _is_open(progress: Progress) -> bool:
    """The same command goes on with it; a test that was stopped is cleaned up and over."""
    is_stopped = progress.outcome is Outcome.STOPPED and progress.kind is not Kind.TEST
    return progress.outcome is None or is_stopped


def _has_just_ended(session: Session, newest: RunFolder, wish: RunWish) -> bool:
    """Its command was killed between the end and saying so: the same one says it, and does no more."""
    progress = newest.progress()
    if progress.kind is not wish.kind or progress.ended_at is None or newest.is_told():
        return False
    return session.clock.now() - progress.ended_at < _JUST


def _has_to_do(progress: Progress) -> bool:
    if progress.outcome is Outcome.SUCCEEDED:
        return False
    if progress.kind is not Kind.TEST:
        return True
    return any(
        name.startswith(CLEAN_UP) and at.state is StepState.FAILED
        for name, at in progress.steps.items()
    )
