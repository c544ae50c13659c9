"""The use cases of drills: say when, run one, look at what was run, make a report of it."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.failover_test import Listening, try_failover
from holdfast.app.recovery_here import here
from holdfast.app.wiring import Session
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.fleet.schedule_text import format_schedule, parse_schedule
from holdfast.recovery.beginning import new_act_id
from holdfast.recovery.drills.drill import Drill, DrillRun, Objective, next_drill
from holdfast.recovery.drills.drill_errors import DrillMissing, DrillRunMissing
from holdfast.recovery.drills.drill_folder import DrillFolder, drilled_here
from holdfast.recovery.drills.html_report import html_report
from holdfast.recovery.trial import Trial, TrialState, TrialWish
from holdfast.recovery.trial_folder import TrialFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPlan:
    """What is not said stays as the machine's drill has it, or as it is without one."""

    schedule: str | None = None
    zone: str | None = None
    # Fields of TrialWish, and of Objective.
    wish: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSeen:
    """`drill` is None where only past runs are left."""

    vm: str
    name: str
    drill: Drill | None
    runs: tuple[DrillRun, ...]
    next_at: datetime | None = None


def schedule_drill(session: Session, vm: str, plan: DrillPlan, *, who: str) -> DrillSeen:
    """Kept on this host, which must have a replica; `replication serve` runs it when it is time."""
    with here(session, vm, who=who) as found:
        folder = DrillFolder(found.home, found.vm)
        now = session.clock.now()
        known = folder.load() or Drill(vm=found.vm, name=found.name, set_at=now)
        drill = planned(known, plan)
        if drill.schedule != known.schedule or drill.zone != known.zone:
            # Of the new schedule nothing was missed yet.
            drill = msgspec.structs.replace(drill, set_at=now, last=None)
        folder.save(msgspec.structs.replace(drill, name=found.name, who=who))
        return _seen(session, found.vm)


def end_schedule(session: Session, vm: str) -> DrillSeen:
    seen = find_drill(session, vm)
    DrillFolder(session.settings.home, seen.vm).forget()
    return replace(seen, drill=None, next_at=None)


def list_drills(session: Session) -> list[DrillSeen]:
    return [_seen(session, vm) for vm in drilled_here(session.settings.home)]


def find_drill(session: Session, vm: str) -> DrillSeen:
    """By name or UUID, also of a machine that is gone."""
    for seen in list_drills(session):
        if vm in (seen.vm, seen.name):
            return seen
    raise DrillMissing(about=vm)


def find_run(session: Session, name: str) -> tuple[DrillRun, list[DrillRun]]:
    """By its name, the beginning of it, or the newest one of a machine; with those up to it."""
    for seen in list_drills(session):
        if name in (seen.vm, seen.name) and seen.runs:
            return seen.runs[-1], list(seen.runs)
        matching = [n for n, run in enumerate(seen.runs) if run.trial.id.startswith(name)]
        if len(matching) == 1:
            (number,) = matching
            return seen.runs[number], list(seen.runs[: number + 1])
    raise DrillRunMissing(about=name)


def run_drill(
    session: Session,
    vm: str,
    plan: DrillPlan,
    *,
    who: str,
    is_scheduled: bool = False,
    listening: Listening | None = None,
) -> DrillRun:
    """One that could not even begin is written down as well, then its error is raised."""
    with here(session, vm, who=who) as found:
        uuid, name, home = found.vm, found.name, found.home
    folder = DrillFolder(home, uuid)
    now = session.clock.now()
    drill = planned(folder.load() or Drill(vm=uuid, name=name, set_at=now), plan)
    run = _Keeping(folder, drill.objective, is_scheduled=is_scheduled)
    told = listening or Listening()
    wish = msgspec.structs.replace(drill.wish, keep=None)
    try:
        done = try_failover(
            session,
            uuid,
            wish,
            who=who,
            is_drill=True,
            listening=replace(told, on_trial=run.heard(told.on_trial)),
        )
    except HoldfastError as err:
        if run.kept is None:
            run.keep(_unbegun(err, session.clock, vm=uuid, name=name, who=who, wish=wish))
        raise
    kept = run.keep(done.trial)
    screen = TrialFolder(home, uuid).screen(done.trial.id)
    if screen.exists():
        folder.save_picture(done.trial.id, screen.read_bytes())
    folder.forget_old()
    return kept


def report_of(session: Session, name: str) -> tuple[DrillRun, str]:
    """A page that needs nothing beside it."""
    run, past = find_run(session, name)
    picture = DrillFolder(session.settings.home, run.trial.vm).picture(run.trial.id)
    return run, html_report(run, past, picture=picture)


def report_data(session: Session, name: str) -> tuple[DrillRun, bytes]:
    """The same for programs: the run, and those before it."""
    run, past = find_run(session, name)
    told = {"run": _told(run), "past": [_told(each) for each in past[:-1]]}
    return run, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def write_report(session: Session, name: str, output: str | None) -> tuple[DrillRun, Path]:
    """As the file's name ends: .json or .html."""
    if output is not None and output.endswith(".json"):
        run, content = report_data(session, name)
    else:
        run, page = report_of(session, name)
        content = page.encode()
    path = Path(output or f"drill-{run.trial.name}-{run.trial.begun_at:%Y-%m-%d}.html")
    path.write_bytes(content)
    return run, path


def follow_trials(session: Session, trials: Sequence[Trial]) -> None:
    """What has become of tests that were drills."""
    for trial in trials:
        DrillFolder(session.settings.home, trial.vm).follow(trial)


class _Keeping:
    """Writes a run down with each change, so that one that is killed can be seen."""

    def __init__(self, folder: DrillFolder, objective: Objective, *, is_scheduled: bool) -> None:
        self._folder = folder
        self._objective = objective
        self._is_scheduled = is_scheduled
        self.kept: DrillRun | None = None

    def heard(self, also: Callable[[Trial], None]) -> Callable[[Trial], None]:
        def hear(trial: Trial) -> None:
            self.keep(trial)
            also(trial)

        return hear

    def keep(self, trial: Trial) -> DrillRun:
        run = DrillRun(
            trial=trial,
            objective=self._objective,
            host=os.uname().nodename,
            is_scheduled=self._is_scheduled,
        )
        self.kept = self._folder.save_run(run)
        return self.kept


def planned(drill: Drill, plan: DrillPlan) -> Drill:
    """The drill with what is said of it; pure."""
    schedule = drill.schedule if plan.schedule is None else plan.schedule
    return msgspec.structs.replace(
        drill,
        # Refused here, not in the night.
        schedule=format_schedule(parse_schedule(schedule)) if schedule else "",
        zone=drill.zone if plan.zone is None else plan.zone,
        wish=msgspec.structs.replace(drill.wish, **plan.wish),
        objective=msgspec.structs.replace(drill.objective, **plan.objective),
    )


def _unbegun(
    err: HoldfastError, clock: Clock, *, vm: str, name: str, who: str, wish: TrialWish
) -> Trial:
    now = clock.now()
    return Trial(
        id=new_act_id(clock),
        vm=vm,
        name=name,
        trial_name="",
        who=who,
        begun_at=now,
        wish=wish,
        state=TrialState.FAILURE,
        message=str(err),
        error=err.code,
        ended_at=now,
        cleaned_at=now,
        is_drill=True,
    )


def _seen(session: Session, vm: str) -> DrillSeen:
    folder = DrillFolder(session.settings.home, vm)
    drill, runs = folder.load(), folder.runs()
    upcoming = next_drill(drill, session.clock.now()) if drill else None
    name = drill.name if drill else runs[-1].trial.name if runs else vm
    next_at = upcoming.at if upcoming else None
    return DrillSeen(vm=vm, name=name, drill=drill, runs=tuple(runs), next_at=next_at)


def _told(run: DrillRun) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(run)
    verdict = {"verdict": run.verdict.value, "missed": list(run.missed)}
    figures = {"rpo_seconds": run.trial.rpo_seconds, "rto_seconds": run.trial.seconds_to_up}
    return {**told, **verdict, **figures}
