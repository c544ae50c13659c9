"""Words for what a drill has seen."""

from datetime import datetime

from holdfast.base.texts import N_, _
from holdfast.base.units import duration_text
from holdfast.recovery.drills.drill import DrillRun, DrillVerdict
from holdfast.recovery.trial import Trial, TrialState

_VERDICTS = {
    DrillVerdict.RUNNING: N_("under way"),
    DrillVerdict.PASSED: N_("passed"),
    DrillVerdict.OBJECTIVE_MISSED: N_("passed, objective missed"),
    DrillVerdict.FAILED: N_("failed"),
    DrillVerdict.NOT_CLEANED: N_("not cleaned up"),
}
_STATES = {
    TrialState.PLANNED: N_("planned"),
    TrialState.RUNNING: N_("running"),
    TrialState.SUCCESS: N_("success"),
    TrialState.FAILURE: N_("failure"),
}
# By the words of promoting, checking and cleaning up.
_PARTS = {
    "prepared": N_("Planned, and looked for obstacles"),
    "attached": N_("Held the point"),
    "furnished": N_("Made disks upon it"),
    "described": N_("Defined the machine"),
    "started": N_("Started it, paused"),
    "recorded": N_("Began the record of its changes"),
    "resumed": N_("Set it running"),
    "checked": N_("It came up, and was checked"),
    "cleaned": N_("Removed all of it"),
}
_CONSISTENCIES = {
    "application": N_("application-consistent"),
    "filesystem": N_("consistent for its file systems"),
    "crash": N_("as after a power cut"),
}
_MINUTE = 60


def verdict_text(verdict: DrillVerdict) -> str:
    return _(_VERDICTS[verdict])


def state_text(state: TrialState) -> str:
    return _(_STATES[state])


def part_text(name: str) -> str:
    return _(_PARTS[name]) if name in _PARTS else name


def consistency_text(trial: Trial) -> str:
    value = trial.consistency.value if trial.consistency else ""
    return _(_CONSISTENCIES[value]) if value in _CONSISTENCIES else value


def reason_text(run: DrillRun) -> str:
    """Why it did not pass; empty when it did."""
    trial = run.trial
    match run.verdict:
        case DrillVerdict.FAILED:
            return trial.message
        case DrillVerdict.NOT_CLEANED:
            return trial.left or _("something of it is still there")
        case DrillVerdict.OBJECTIVE_MISSED:
            return ", ".join(_missed(run, name) for name in run.missed)
        case _:
            return ""


def _missed(run: DrillRun, name: str) -> str:
    seen = run.trial.rpo_seconds if name == "rpo" else run.trial.seconds_to_up
    wanted = run.objective.rpo if name == "rpo" else run.objective.rto
    text = _("{name} {seen} instead of {wanted}")
    return text.format(name=name.upper(), seen=seconds_text(seen), wanted=seconds_text(wanted))


def seconds_text(seconds: float | None) -> str:
    """Short times with a digit more."""
    if seconds is None:
        return "-"
    if seconds < _MINUTE:
        return _("{seconds} s").format(seconds=f"{seconds:.1f}")
    return duration_text(seconds)


def moment_text(when: datetime | None) -> str:
    """With the zone: a report is read elsewhere, and later."""
    return f"{when.astimezone():%Y-%m-%d %H:%M:%S %Z}" if when else "-"
