"""Test failovers and drills as the events of `--json`."""

from typing import TYPE_CHECKING, Any

import msgspec

from holdfast.cli import json_drills
from holdfast.cli.output import encodable

if TYPE_CHECKING:
    from holdfast.app.drills import DrillSeen
    from holdfast.recovery.drills.drill import DrillRun
    from holdfast.recovery.trial import Trial


def test_event(trial: "Trial") -> json_drills.TestFailover:
    told = msgspec.to_builtins(trial)
    return json_drills.TestFailover(
        test=trial.id,
        vm=encodable(trial.name),
        uuid=trial.vm,
        test_vm=encodable(trial.trial_name),
        state=trial.state.value,
        message=encodable(trial.message),
        counts=trial.counts,
        point=trial.generation,
        taken_at=told.get("taken_at"),
        consistency=told.get("consistency"),
        rpo_seconds=trial.rpo_seconds,
        rto_seconds=trial.seconds_to_up,
        seconds_to_running=trial.seconds_to_running,
        parts=[msgspec.to_builtins(part) for part in trial.parts],
        checks=[_check(each) for each in trial.checks],
        begun_at=told["begun_at"],
        ended_at=told.get("ended_at"),
        expires_at=told.get("expires_at"),
        cleaned_at=told.get("cleaned_at"),
        left=encodable(trial.left),
        who=encodable(trial.who),
    )


def run_event(run: "DrillRun") -> json_drills.DrillRun:
    from holdfast.recovery.drills.wording import reason_text

    return json_drills.DrillRun(
        run=run.trial.id,
        vm=encodable(run.trial.name),
        uuid=run.trial.vm,
        verdict=run.verdict.value,
        missed=list(run.missed),
        reason=encodable(reason_text(run)),
        rpo_objective_seconds=run.objective.rpo,
        rto_objective_seconds=run.objective.rto,
        host=encodable(run.host),
        scheduled=run.is_scheduled,
        test=msgspec.to_builtins(test_event(run.trial)),
    )


def drill_event(seen: "DrillSeen") -> json_drills.Drill:
    drill = seen.drill
    last = seen.runs[-1] if seen.runs else None
    return json_drills.Drill(
        vm=encodable(seen.name),
        uuid=seen.vm,
        schedule=(drill.schedule or None) if drill else None,
        zone=drill.zone if drill else "UTC",
        next_at=seen.next_at.isoformat() if seen.next_at else None,
        point=drill.wish.point if drill else "",
        checks=[check.text for check in drill.wish.checks] if drill else [],
        rpo_objective_seconds=drill.objective.rpo if drill else None,
        rto_objective_seconds=drill.objective.rto if drill else None,
        runs=len(seen.runs),
        last_verdict=last.verdict.value if last else None,
        last_at=last.trial.begun_at.isoformat() if last else None,
    )


def _check(each: Any) -> dict[str, Any]:
    return {**msgspec.to_builtins(each), "said": encodable(each.said)}
