"""What this host knows of recoveries, as its agent tells it: records, tests, drills, networks."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.plan_folder import FOLDER as PLANS
from holdfast.app.plan_folder import plans_here
from holdfast.app.plan_scripts import FOLDER as SCRIPTS
from holdfast.app.plan_scripts import scripts_here
from holdfast.base.errors import HoldfastError
from holdfast.fleet.recovery_messages import (
    MOST_SCRIPTS,
    DrillTold,
    PlanTold,
    RecoveryReport,
    RecoveryTold,
    TrialTold,
)
from holdfast.recovery.drills.drill import Drill, DrillRun, DrillVerdict, due_drill, next_drill
from holdfast.recovery.drills.drill_folder import FOLDER as DRILLS
from holdfast.recovery.drills.drill_folder import DrillFolder, drills_here
from holdfast.recovery.networks import load_networks
from holdfast.recovery.record_folder import FOLDER, RecordFolder, known_here
from holdfast.recovery.trial import Trial
from holdfast.recovery.trial_folder import TrialFolder, tested_here

# What was long ago is in the file; a server needs to know how things are.
_MOST_EVENTS = 20


def recovery_here(home: str, now: datetime) -> RecoveryTold:
    """What does not read is left out: whoever works with it says so."""
    return RecoveryTold(
        at=now,
        records=list(_records(home)),
        networks=_networks(home),
        plans=list(plans_told(home)),
        trials=list(_trials(home)),
        drills=[_drill(home, one, now) for one in drills_here(home)],
        scripts=scripts_here(home)[:MOST_SCRIPTS],
    )


def was_any(home: str) -> bool:
    """Whether this host ever had to do with a recovery; what is over has to be told as well."""
    return any(Path(home, each).is_dir() for each in (FOLDER, PLANS, DRILLS, SCRIPTS))


def _records(home: str) -> Iterator[RecoveryReport]:
    for vm in known_here(home):
        with contextlib.suppress(HoldfastError):
            record = RecordFolder(home, vm).load()
            if record is not None:
                few = msgspec.structs.replace(record, events=record.events[-_MOST_EVENTS:])
                yield RecoveryReport(vm=vm, record=msgspec.to_builtins(few))


def _networks(home: str) -> dict[str, Any]:
    with contextlib.suppress(HoldfastError):
        found: dict[str, Any] = msgspec.to_builtins(load_networks(home))
        return found
    return {}


def plans_told(home: str) -> Iterator[PlanTold]:
    for folder in plans_here(home):
        with contextlib.suppress(HoldfastError, UnicodeDecodeError):
            yield PlanTold(name=folder.name, text=folder.content().decode())


def _trials(home: str) -> Iterator[TrialTold]:
    for vm in tested_here(home):
        with contextlib.suppress(HoldfastError):
            for trial in TrialFolder(home, vm).left():
                yield _trial(trial)


def _trial(trial: Trial) -> TrialTold:
    return TrialTold(
        vm=trial.vm,
        name=trial.trial_name,
        began_at=trial.begun_at,
        ends_at=trial.expires_at,
        trouble=trial.left,
    )


def _drill(home: str, drill: Drill, now: datetime) -> DrillTold:
    runs = [run for run in DrillFolder(home, drill.vm).runs() if run.trial.is_over]
    late = due_drill(drill, now)
    coming = late or next_drill(drill, now)
    return DrillTold(
        name=drill.name,
        vm=drill.vm,
        schedule=drill.schedule,
        at=runs[-1].trial.begun_at if runs else None,
        is_passed=bool(runs) and runs[-1].verdict is DrillVerdict.PASSED,
        due_at=coming.nominal if coming else None,
        facts=_facts(runs[-1]) if runs else {},
        kept=msgspec.to_builtins(drill),
    )


def _facts(run: DrillRun) -> dict[str, Any]:
    trial = run.trial
    return {
        "verdict": run.verdict.value,
        "generation": trial.generation,
        "seconds_to_up": trial.seconds_to_up,
        "rpo_seconds": trial.rpo_seconds,
        "missed": list(run.missed),
    }
