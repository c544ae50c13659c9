"""The hands of a plan on this host: machines by the commands of failover, scripts as processes.

Each step is a process with a folder of its own, so that several go on at a time, each can be ended,
and all outlive the command that runs the plan.
"""

import os
import sys
from pathlib import Path

import msgspec

from holdfast.app.config import Settings
from holdfast.app.plan_jobs import Job, JobState
from holdfast.app.plan_scripts import require_here, script_at
from holdfast.app.plan_standing import Standings
from holdfast.app.plan_words import (
    as_json,
    ended_command,
    ended_script,
    give_back_words,
    script_environment,
    shut_down_words,
    start_words,
)
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.recovery.plans.context import PlanContext, context_of
from holdfast.recovery.plans.plan import Action, ActionKind, Kind, Machine, Plan
from holdfast.recovery.plans.plan_errors import PlanActionInterrupted
from holdfast.recovery.plans.progress import Ended, Progress, StepState
from holdfast.recovery.plans.steps import Doing, Step, start_id, steps_of

_CHILD = "holdfast.cli.plan_child"
_MOVING = frozenset({Doing.SHUT_DOWN, Doing.START})
_SCRIPTS = frozenset({ActionKind.SCRIPT, ActionKind.HOST_SCRIPT})
_COMMANDS = _MOVING | {Doing.GIVE_BACK}
# What a machine is told that was not being moved at all.
_NOT_AWAY = frozenset({"recovery-not-failed-over"})


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step of ours has to do, for the process that does it."""

    run: str
    step: str
    doing: Doing
    # The UUID of the machine it is about.
    vm: str = ""
    # As it is called where it runs now; a test's has a name of its own.
    domain: str = ""
    action: Action | None = None
    # What is typed after `holdfast`, once nothing is left of an earlier attempt.
    words: tuple[str, ...] = ()
    # Tests of the machine that were begun before are not this run's.
    since: str = ""
    timeout: int


def is_script(action: Action | None) -> bool:
    """A program of somebody else's, on this host."""
    return action is not None and action.kind in _SCRIPTS


def own_words(job: Job) -> list[str]:
    """The process that does what the task in the job's folder says."""
    return [sys.executable, "-m", _CHILD, "plan", "act", str(job.folder), "--json"]


def launch_step(
    settings: Settings, job: Job, arguments: list[str], *, task: Task, context: PlanContext
) -> None:
    """With all it is told beside it, for itself and for a script of a person's."""
    told = as_json(context)
    job.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = job.folder / "context.json"
    file.write_bytes(told)
    (job.folder / "task.json").write_bytes(as_json(task))
    if is_script(task.action):
        environment = script_environment(context, str(file))
    else:
        environment = {
            "HOLDFAST_HOME": settings.home,
            "HOLDFAST_LANG": settings.lang,
            "HOLDFAST_LIBVIRT": settings.libvirt,
        }
    environment = {"PATH": os.defpath, **settings.harmless, **environment}
    job.launch(arguments, environment=environment, stdin=told)


class LocalHands:
    def __init__(self, session: Session, plan: Plan, jobs: Path, standings: Standings) -> None:
        self._session = session
        self._plan = plan
        self._folder = jobs
        self._standings = standings
        self._jobs: dict[Path, Job] = {}
        # Ends of what no process was needed for.
        self._ends: dict[tuple[str, int], Ended] = {}

    def begin(self, step: Step, progress: Progress) -> None:
        job = self._job(step, progress)
        state = job.state()
        if state is JobState.CUT_OFF and _may_repeat(step):
            job.forget()
            state = JobState.NEVER
        if state is not JobState.NEVER:
            return
        try:
            self._launch(job, step, progress)
        except HoldfastError as err:
            self._ends[_key(step, progress)] = Ended(
                state=StepState.FAILED, said=str(err), error=err.code
            )

    def look(self, step: Step, progress: Progress) -> Ended | None:
        if (known := self._ends.get(_key(step, progress))) is not None:
            return known
        job = self._job(step, progress)
        state = job.state()
        if state is JobState.RUNNING:
            return None
        if state is JobState.ENDED:
            return _ended(step, job)
        if state is JobState.CUT_OFF and not _may_repeat(step):
            cut = PlanActionInterrupted()
            return Ended(state=StepState.FAILED, said=str(cut), error=cut.code, is_unclear=True)
        self.begin(step, progress)
        return None

    def end(self, step: Step, progress: Progress) -> None:
        job = self._job(step, progress)
        job.end(self._session.clock)
        if job.state() is not JobState.ENDED:
            # What we have cut off ourselves is not begun anew.
            self._ends[_key(step, progress)] = Ended(state=StepState.FAILED)

    def _launch(self, job: Job, step: Step, progress: Progress) -> None:
        if step.doing in _MOVING and progress.kind is not Kind.TEST:
            how = self._standings.already(self._machine(step), is_back=progress.is_back)
            if how is not None:
                self._ends[_key(step, progress)] = how
                return
        context = context_of(self._plan, progress, step)
        arguments = self._arguments(job, step, progress)
        task = self._task(step, progress)
        launch_step(self._session.settings, job, arguments, task=task, context=context)

    def _arguments(self, job: Job, step: Step, progress: Progress) -> list[str]:
        home = self._session.settings.home
        if (action := step.action) is not None and is_script(action):
            if action.kind is ActionKind.SCRIPT:
                return ["/bin/sh", "-c", action.does]
            require_here(home, action.does, action.host)
            return [str(script_at(home, action.does))]
        if step.doing in _COMMANDS and progress.kind is not Kind.TEST:
            return [sys.executable, "-m", _CHILD, *self._words(step, progress)]
        return own_words(job)

    def _task(self, step: Step, progress: Progress) -> Task:
        vm = step.action.machine if step.action and step.action.machine else step.machine
        start = progress.steps.get(self._start_of(vm)) if vm else None
        return Task(
            run=progress.run,
            step=step.id,
            doing=step.doing,
            vm=self._standings.uuid_of(vm) if vm else "",
            domain=str(start.found.get("name", "")) if start else "",
            action=step.action,
            words=self._words(step, progress) if step.doing is Doing.START else (),
            since=progress.begun_at.isoformat(),
            timeout=step.timeout,
        )

    def _words(self, step: Step, progress: Progress) -> tuple[str, ...]:
        machine = self._machine(step)
        uuid = self._standings.uuid_of(machine.vm)
        if step.doing is Doing.SHUT_DOWN:
            return tuple(shut_down_words(machine, uuid, progress))
        if step.doing is Doing.GIVE_BACK:
            return tuple(give_back_words(uuid))
        return tuple(start_words(machine, uuid, progress))

    def _machine(self, step: Step) -> Machine:
        return next(one for one in self._plan.machines if one.vm == step.machine)

    def _start_of(self, vm: str) -> str:
        group = next(g for g in self._plan.groups if any(m.vm == vm for m in g.machines))
        return start_id(group.name, vm)

    def _job(self, step: Step, progress: Progress) -> Job:
        """By its number, for the names of machines are not fit for files."""
        steps = steps_of(self._plan, progress.kind, keep=progress.keep)
        number = next(n for n, one in enumerate(steps) if one.id == step.id)
        path = self._folder / f"{number:04}-{progress.steps[step.id].attempt}"
        return self._jobs.setdefault(path, Job(path))


def _key(step: Step, progress: Progress) -> tuple[str, int]:
    return step.id, progress.steps[step.id].attempt


def _may_repeat(step: Step) -> bool:
    """Acts of recovery go on where they were; what a person wrote may not bear it."""
    return step.action is None or step.action.is_repeatable


def _ended(step: Step, job: Job) -> Ended:
    if is_script(step.action):
        return ended_script(job.status(), job.output())
    how = ended_command(job.status(), job.output())
    if step.doing is Doing.GIVE_BACK and how.error in _NOT_AWAY:
        return Ended(state=StepState.DONE)
    return how
