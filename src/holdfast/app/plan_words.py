"""The commands by which a plan starts its machines, and what they say of what came of it. Pure."""

import json
from typing import Any

import msgspec

from holdfast.base.errors import Exit
from holdfast.base.programs import last_words
from holdfast.base.texts import _
from holdfast.recovery.address_rules import rule_text
from holdfast.recovery.plans.context import PlanContext, addresses_of, networks_of, point_of
from holdfast.recovery.plans.plan import LATEST, Kind, Machine
from holdfast.recovery.plans.plan_errors import PlanActionFailed
from holdfast.recovery.plans.progress import Ended, Progress, StepState

# A test that nobody cleans up ends by itself some time after all that may come of the run.
_SPARE_SECONDS = 24 * 60 * 60
# Its checks give up before the whole of it is ended, so that they can say what they wait for.
_OF_TIMEOUT = 0.9
_LISTS = 200
_WELL = frozenset({Exit.FINE, Exit.WARNINGS})


def start_words(machine: Machine, uuid: str, progress: Progress) -> list[str]:
    """What is typed after `holdfast`."""
    if progress.is_back:
        return ["failback", uuid, *_ending_words(machine), "--json"]
    words = ["failover", uuid, f"--{progress.kind}"]
    point = point_of(machine, progress.kind)
    if progress.kind is Kind.TEST:
        words += ["--keep", f"{progress.keep + _SPARE_SECONDS}s"]
        words += ["--within", f"{max(1, int(machine.timeout * _OF_TIMEOUT))}s"]
        words += [word for check in machine.checks for word in ("--check", check)]
    if progress.kind is not Kind.PLANNED and point != LATEST:
        words += ["--point", point]
    if progress.kind is Kind.PLANNED:
        words += _ending_words(machine)
    if progress.kind is Kind.UNPLANNED and progress.source_is_down:
        words.append("--source-is-down")
    if progress.kind is Kind.UNPLANNED and progress.tries_shut_down:
        words += ["--try-shut-down", *_ending_words(machine)]
    for old, new in networks_of(machine, progress.kind).items():
        words += ["--network", f"{old}={new}"]
    for key, rule in addresses_of(machine, progress.kind).items():
        words += ["--address", rule_text(key, rule)]
    return [*words, "--json"]


def shut_down_words(machine: Machine, uuid: str, progress: Progress) -> list[str]:
    """The beginning of the same act, which starting it goes on with."""
    return [*start_words(machine, uuid, progress)[:-1], "--hand-over-only", "--json"]


def give_back_words(uuid: str) -> list[str]:
    """Nothing of it was started here, so nothing that was written is lost."""
    return ["failover", "undo", uuid, "--discard-changes", "--json"]


def _ending_words(machine: Machine) -> list[str]:
    words = ["--force"] if machine.is_forced else []
    return words + (["--shutdown-within", f"{machine.shutdown}s"] if machine.shutdown else [])


def script_environment(context: PlanContext, file: str) -> dict[str, str]:
    """What a script on this host is told beside its standard input."""
    return {
        "HOLDFAST_PLAN": context.plan,
        "HOLDFAST_PLAN_RUN": context.run,
        "HOLDFAST_PLAN_TYPE": context.type,
        "HOLDFAST_PLAN_GROUP": context.group,
        "HOLDFAST_PLAN_STEP": context.step,
        "HOLDFAST_PLAN_MACHINE": context.machine or "",
        "HOLDFAST_PLAN_CONTEXT": file,
    }


def ended_command(status: int, output: bytes) -> Ended:
    """How one of our own commands ended, by the JSON lines it has printed."""
    events = list(_events(output))
    error = _last(events, "error")
    found = _found(events)
    if status in _WELL and error is None:
        acted = _last(events, "plan-acted")
        said = str(acted["said"]) if acted else _told(found)
        return Ended(state=StepState.DONE, said="" if said == "-" else said, found=found)
    if error is None:
        return ended_script(status, output)
    if remedy := error.get("remedy"):
        found["remedy"] = remedy
    return Ended(
        state=StepState.FAILED,
        said=str(error.get("message", "")),
        error=str(error.get("code", PlanActionFailed.code)),
        found=found,
    )


def ended_script(status: int, output: bytes) -> Ended:
    said = last_words(output)
    if status == Exit.FINE:
        return Ended(state=StepState.DONE, said="" if said == "-" else said)
    failure = PlanActionFailed(status=status, said=said)
    return Ended(state=StepState.FAILED, said=str(failure), error=failure.code)


def _events(output: bytes) -> Any:
    for line in output.splitlines()[-_LISTS:]:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _last(events: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((event for event in reversed(events) if event.get("event") == name), None)


def _found(events: list[dict[str, Any]]) -> dict[str, Any]:
    if (test := _last(events, "test-failover")) is not None:
        return {
            "name": test["test_vm"],
            "point": test["point"],
            "point_time": test["taken_at"],
            "consistency": test["consistency"],
            "test": test["test"],
            "rpo_seconds": test["rpo_seconds"],
            "rto_seconds": test["rto_seconds"],
            "parts": test["parts"],
            "checks": test["checks"],
            "counts": test["counts"],
        }
    if (done := _last(events, "recovery-done")) is not None:
        return {
            "name": done["vm"],
            "uuid": done["uuid"],
            "point": done["generation"],
            "point_time": done["taken_at"],
            "figures": done["figures"],
        }
    return {}


def _told(found: dict[str, Any]) -> str:
    if not found.get("point"):
        return ""
    return _("{name}, point {point}").format(name=found["name"], point=found["point"])


def as_json(what: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(what), indent=2) + b"\n"
