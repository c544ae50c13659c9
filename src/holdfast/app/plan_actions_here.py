"""An action of a plan that a server runs, done on this host: once, whatever dies meanwhile.

HOME/plans-of-server/ID/     a folder for each, as of the steps of a plan of this host

The server names a script of this host and sends facts; what is run lies here before: `plan_scripts`.
"""

import hashlib
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from holdfast.app.plan_hands import Task, is_script, launch_step, own_words
from holdfast.app.plan_jobs import Job, JobState
from holdfast.app.plan_scripts import script_at
from holdfast.app.plan_words import ended_command, ended_script
from holdfast.app.wiring import Session
from holdfast.base.clock import Clock
from holdfast.base.latch import Latch
from holdfast.fleet.plan_actions import PlanActionArguments
from holdfast.recovery.plans.context import PlanContext
from holdfast.recovery.plans.plan import Action, ActionKind
from holdfast.recovery.plans.plan_errors import (
    PlanActionInterrupted,
    PlanActionRefused,
    PlanStepTooSlow,
)
from holdfast.recovery.plans.progress import Ended, StepState
from holdfast.recovery.plans.steps import Doing

FOLDER = "plans-of-server"
_KEPT = timedelta(days=30)
_PAUSE = 0.2


def do_action(session: Session, wanted: PlanActionArguments, stop: Latch) -> str:
    """To its end, what it said; begun before, it is gone on with, or told as it ended."""
    home, clock = session.settings.home, session.clock
    job = Job(Path(home, FOLDER, _id_of(wanted)))
    _forget_old(Path(home, FOLDER), clock, but=job.folder)
    task = _task(wanted)
    deadline = clock.monotonic() + wanted.timeout
    while (state := job.state()) is not JobState.ENDED:
        if state is JobState.CUT_OFF and not wanted.repeatable:
            raise PlanActionInterrupted
        if state is not JobState.RUNNING:
            job.forget()
            _begin(session, job, task, wanted)
        elif stop.is_set() or clock.monotonic() > deadline:
            job.end(clock)
            if job.state() is not JobState.ENDED:
                raise _ended_by_us(wanted, is_stopped=stop.is_set())
        else:
            clock.sleep(_PAUSE)
    how = _ended(task, job)
    if how.state is not StepState.DONE:
        raise PlanActionRefused(said=how.said)
    return how.said


def _ended_by_us(wanted: PlanActionArguments, *, is_stopped: bool) -> Exception:
    if is_stopped:
        return PlanActionInterrupted()
    return PlanStepTooSlow(step=wanted.step, seconds=wanted.timeout)


def _begin(session: Session, job: Job, task: Task, wanted: PlanActionArguments) -> None:
    context = msgspec.json.decode(wanted.context, type=PlanContext)
    arguments = own_words(job)
    if is_script(task.action):
        arguments = [str(script_at(session.settings.home, wanted.script))]
    launch_step(session.settings, job, arguments, task=task, context=context)


def _task(wanted: PlanActionArguments) -> Task:
    action = Action(
        name=wanted.step,
        kind=ActionKind(wanted.kind),
        does=wanted.script or wanted.inside,
        machine=wanted.vm,
        timeout=wanted.timeout,
    )
    return Task(
        run=wanted.run,
        step=wanted.step,
        doing=Doing.ACTION,
        vm=wanted.vm,
        domain=wanted.domain,
        action=action,
        timeout=wanted.timeout,
    )


def _ended(task: Task, job: Job) -> Ended:
    ended = ended_script if is_script(task.action) else ended_command
    return ended(job.status(), job.output())


def _id_of(wanted: PlanActionArguments) -> str:
    """Names of machines, which steps are named after, are not fit for files."""
    whole = f"{wanted.run}\n{wanted.step}\n{wanted.attempt}"
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _forget_old(folder: Path, clock: Clock, *, but: Path) -> None:
    before = clock.now() - _KEPT
    for each in folder.glob("*"):
        changed = datetime.fromtimestamp(each.stat().st_mtime, tz=before.tzinfo)
        if each != but and changed < before and Job(each).state() is not JobState.RUNNING:
            shutil.rmtree(each, ignore_errors=True)
