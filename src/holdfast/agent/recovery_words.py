"""From a job about a machine's recovery to the words of the command that does it."""

from collections.abc import Callable, Mapping
from typing import Any

from holdfast.agent.errors import ArgumentsNotUnderstood
from holdfast.app.plan_packing import packed
from holdfast.fleet.jobs import Kind
from holdfast.fleet.recovery_arguments import is_reserved

_FAILOVERS = {
    Kind.TEST_FAILOVER: "--test",
    Kind.PLANNED_FAILOVER: "--planned",
    Kind.UNPLANNED_FAILOVER: "--unplanned",
}
_COMMANDS = {
    Kind.CHANGE_POINT: ("failover", "change-point"),
    Kind.UNDO_FAILOVER: ("failover", "undo"),
    Kind.CLEAN_UP_TEST: ("failover", "cleanup"),
    Kind.COMMIT: ("commit",),
    Kind.REPROTECT: ("reprotect",),
    Kind.FAIL_BACK: ("failback",),
}
_FLAGS = (
    *("live", "force", "hand_over_only"),
    *("source_is_down", "try_shut_down", "discard_changes", "complete_migration"),
)
_VALUES = ("point", "keep", "shutdown_within")
_OF_SCHEDULE = ("zone", "within", "rpo", "rto")
_NONE_OF = {"checks": "--usual-checks", "networks": "--no-network"}
_LISTS = {"networks": "--network", "addresses": "--address", "checks": "--check"}


def recovery_words(kind: Kind, given: Mapping[str, Any]) -> list[str]:
    """Begun before, the same command goes on with the step that it came to."""
    if kind in _OF_OTHERS:
        return _OF_OTHERS[kind](given)
    vm = str(given.get("vm", ""))
    if is_reserved(vm):
        raise ArgumentsNotUnderstood(kind=kind.value, reason=vm)
    if kind is Kind.CHECK_FAILOVER:
        act = f"--act={given.get('act', 'planned')}"
        return ["failover", "check", "--json", act, *_options(given), "--", vm]
    if kind in _FAILOVERS:
        return ["failover", vm, _FAILOVERS[kind], "--json", *_options(given)]
    if kind not in _COMMANDS:
        raise ArgumentsNotUnderstood(kind=kind.value, reason="kind")
    return [*_COMMANDS[kind], "--json", *_options(given), "--", vm]


def _options(given: Mapping[str, Any]) -> list[str]:
    words = [f"--{name.replace('_', '-')}" for name in _FLAGS if given.get(name)]
    if given.get("complete_migration"):
        # Whoever ordered it was asked.
        words.append("--yes")
    words += [f"--{name.replace('_', '-')}={given[name]}" for name in _VALUES if given.get(name)]
    return words + [
        f"{option}={value}" for name, option in _LISTS.items() for value in given.get(name) or ()
    ]


def _drill(given: Mapping[str, Any]) -> list[str]:
    if plan := given.get("plan"):
        return ["plan", "run", "--json", "--test", "--", str(plan)]
    return ["drill", "run", "--json", *_options(given), "--", str(given.get("vm", ""))]


def _drill_schedule(given: Mapping[str, Any]) -> list[str]:
    words = ["drill", "schedule", "--json", *_options(given)]
    words += [f"--{name}={given[name]}" for name in _OF_SCHEDULE if given.get(name)]
    words += [option for name, option in _NONE_OF.items() if given.get(name) == []]
    vm = str(given.get("vm", ""))
    if given.get("never"):
        return [*words, "--never", "--", vm]
    return [*words, "--", vm, str(given.get("schedule", ""))]


def _plan(given: Mapping[str, Any]) -> list[str]:
    act = given.get("act", "test")
    return ["plan", "run", "--json", f"--{act}", *_options(given), "--", str(given.get("plan", ""))]


def _action(given: Mapping[str, Any]) -> list[str]:
    return ["plan", "action", "--json", f"--task={packed(given)}"]


# Of what is not about one machine alone.
_OF_OTHERS: dict[Kind, Callable[[Mapping[str, Any]], list[str]]] = {
    Kind.RUN_PLAN: _plan,
    Kind.PLAN_ACTION: _action,
    Kind.DRILL: _drill,
    Kind.SCHEDULE_DRILL: _drill_schedule,
}
