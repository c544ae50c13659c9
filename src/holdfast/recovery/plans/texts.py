"""The states, outcomes and steps of a run in words. Pure."""

from holdfast.base.texts import N_, _
from holdfast.recovery.plans.plan import ActionKind, Kind
from holdfast.recovery.plans.progress import Outcome, StepState
from holdfast.recovery.plans.steps import Doing, Step

_KINDS = {
    Kind.TEST: N_("test"),
    Kind.PLANNED: N_("planned"),
    Kind.UNPLANNED: N_("unplanned"),
}
_OUTCOMES = {
    Outcome.SUCCEEDED: N_("succeeded"),
    Outcome.WITH_FAILURES: N_("ended, with failures"),
    Outcome.STOPPED: N_("stopped by a failure"),
    Outcome.CANCELLED: N_("cancelled"),
}
_STATES = {
    StepState.RUNNING: N_("under way"),
    StepState.DONE: N_("done"),
    StepState.ALREADY: N_("was so already"),
    StepState.FAILED: N_("failed"),
    StepState.SKIPPED: N_("left out"),
}
_ACTIONS = {
    ActionKind.SCRIPT: N_("script: {name}"),
    ActionKind.HOST_SCRIPT: N_("script of {host}: {name}"),
    ActionKind.GUEST_SCRIPT: N_("in the guest of {machine}: {name}"),
    ActionKind.WEBHOOK: N_("webhook: {name}"),
    ActionKind.CONFIRM: N_("a person confirms: {name}"),
}
_DOINGS = {
    Doing.ACTION: "{name}",
    Doing.SHUT_DOWN: N_("shut down {machine} at its host"),
    Doing.START: N_("start {machine}"),
    Doing.HOLD: N_("leave the test to be looked at"),
    Doing.CLEAN_UP: N_("clean up the test of {machine}"),
    Doing.GIVE_BACK: N_("give {machine} back to its host"),
}


def kind_text(kind: Kind) -> str:
    return _(_KINDS[kind])


def outcome_text(outcome: Outcome | None) -> str:
    return _("under way") if outcome is None else _(_OUTCOMES[outcome])


def state_text(state: StepState | None) -> str:
    return _("not begun") if state is None else _(_STATES[state])


def step_text(step: Step) -> str:
    action = step.action
    if action is None:
        return _(_DOINGS[step.doing]).format(machine=step.machine)
    machine = action.machine or step.machine
    host = action.host or (_("the host of {machine}").format(machine=machine) if machine else "-")
    return _(_ACTIONS[action.kind]).format(name=action.name, machine=machine, host=host)
