"""What the doctor is told about recovery on this host; changes nothing."""

from collections.abc import Callable, Iterator
from datetime import datetime

from holdfast.app.recovery_looks import tell_looks
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.recovery.acts import is_at_work
from holdfast.recovery.desk import SPLIT_BRAIN, tidings_of
from holdfast.recovery.drills.drill import DrillVerdict, next_drill
from holdfast.recovery.drills.drill_folder import DrillFolder, drilled_here
from holdfast.recovery.drills.wording import reason_text
from holdfast.recovery.record import RecoveryRecord, StepNote, StepState
from holdfast.recovery.record_folder import RecordFolder, known_here
from holdfast.recovery.trial_folder import TrialFolder

Line = dict[str, object]


def tell_recovery(session: Session) -> Iterator[Line]:
    home, now = session.settings.home, session.clock.now()
    for vm in known_here(home):
        yield from _machine(home, vm, now)
        yield from _trials(home, vm)
    for vm in drilled_here(home):
        yield from _drill(home, vm, now)


def _machine(home: str, vm: str, now: datetime) -> Iterator[Line]:
    folder = RecordFolder(home, vm)
    try:
        record = folder.load()
    except HoldfastError as err:
        yield {"holdfast": "recovery", "vm": vm, "uuid": vm, "error": err.code, "said": str(err)}
        return
    if record is None:
        return
    heard = tidings_of(home, vm)
    yield {
        "holdfast": "recovery",
        "vm": record.name,
        "uuid": vm,
        "stage": record.stage.value,
        "epoch": record.epoch,
        "since": _moment(record.events[-1].at) if record.events else None,
        "is_here": record.promoted is not None,
        "is_fenced": record.fence is not None,
        "is_split": _is_split(record),
        "heard_age_seconds": round(heard.age(now).total_seconds(), 1) if heard else None,
        **_act(folder, record),
    }


def _act(folder: RecordFolder, record: RecoveryRecord) -> Line:
    act = record.act
    if act is None:
        return {}
    failed = _failed(act.steps)
    told: Line = {
        "act": act.kind.value,
        "act_begun_at": _moment(act.begun_at),
        "is_at_work": is_at_work(folder),
    }
    if failed is not None:
        told |= {"step": failed.name, "error": failed.error, "said": failed.said}
    return told


def _failed(steps: tuple[StepNote, ...]) -> StepNote | None:
    return next((note for note in reversed(steps) if note.state is StepState.FAILED), None)


def _is_split(record: RecoveryRecord) -> bool:
    """Of this epoch; with the next one it is decided."""
    return any(
        event.what == SPLIT_BRAIN and event.figures.get("epoch", record.epoch) == record.epoch
        for event in record.events
    )


def _trials(home: str, vm: str) -> Iterator[Line]:
    trials = TrialFolder(home, vm)
    try:
        left = trials.left()
    except HoldfastError as err:
        yield {"holdfast": "recovery-trial", "vm": vm, "trouble": str(err)}
        return
    for trial in left:
        yield {
            "holdfast": "recovery-trial",
            "vm": trial.name,
            "name": trial.trial_name,
            "begun_at": _moment(trial.begun_at),
            "ends_at": _moment(trial.expires_at),
            "is_at_work": trials.is_at_work(trial),
            "trouble": trial.left,
        }


def _drill(home: str, vm: str, now: datetime) -> Iterator[Line]:
    folder = DrillFolder(home, vm)
    try:
        drill = folder.load()
    except HoldfastError as err:
        yield {"holdfast": "recovery-drill", "vm": vm, "verdict": "failed", "said": str(err)}
        return
    if drill is None:
        return
    ended = [run for run in folder.runs() if run.verdict is not DrillVerdict.RUNNING]
    last, due = (ended[-1] if ended else None), next_drill(drill, now)
    yield {
        "holdfast": "recovery-drill",
        "vm": drill.name,
        "last_at": _moment(last.trial.begun_at) if last else None,
        "verdict": last.verdict.value if last else "",
        "said": reason_text(last) if last else "",
        "due_at": _moment(due.at) if due else None,
    }


def _moment(when: datetime | None) -> str | None:
    return when.isoformat() if when else None


RECOVERY_PROBES: dict[str, Callable[[Session], Iterator[Line]]] = {
    "own.recovery": tell_recovery,
    "own.recovery.looks": tell_looks,
}
