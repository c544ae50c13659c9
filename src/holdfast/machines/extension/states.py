"""What a look into a guest says of the extension there."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from holdfast.machines.extension.hook_runs import read_hooks
from holdfast.machines.extension.settings import HookSettings, read_settings

# An installation takes seconds; what lies about longer was left by one that was interrupted.
_INSTALLING: Final = timedelta(minutes=2)
_NUMBER = re.compile(r"[0-9]{1,9}")


class State(StrEnum):
    ABSENT = "absent"
    NOT_READY = "not-ready"
    TRANSITIONING = "transitioning"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What runs there at this moment."""

    pid: str
    what: str
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """`result` is ok, failed, or late: the applications were let go before the host said so."""

    ago: timedelta
    result: str
    hook: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    state: State
    # Codes for ever: why it is not ready.
    reason: str = ""
    version: str = ""
    age: timedelta | None = None
    operation: Operation | None = None
    last: LastRun | None = None
    settings: HookSettings = field(default_factory=HookSettings)
    # Why the guest's settings are not used.
    refused: str = ""

    @property
    def is_whole(self) -> bool:
        """All of it is there, of our version, and nothing of it runs."""
        return self.state in {State.READY, State.FAILED}


def read_status(said: bytes, *, digest: str) -> Status:
    """Judge what the probe has printed; `digest` is of the files that should be there."""
    head, separator, content = said.partition(b"config ok\n")
    facts = _facts(head.decode(errors="replace"))
    settings, refused = HookSettings(), facts.get("config", "").removeprefix("refused ")
    if separator:
        try:
            settings = read_settings(content)
        except (msgspec.DecodeError, UnicodeError) as err:
            refused = str(err)
    operation, last = _operation(facts), _last(facts)
    state, reason = _state(facts, digest, operation=operation, last=last)
    return Status(
        state=state,
        reason=reason,
        version=facts.get("version", ""),
        age=seconds_of(facts["installed"]) if "installed" in facts else None,
        operation=operation,
        last=last,
        settings=settings,
        refused=refused,
    )


def _state(
    facts: dict[str, str], digest: str, *, operation: Operation | None, last: LastRun | None
) -> tuple[State, str]:
    if operation:
        return State.TRANSITIONING, operation.what
    staging = seconds_of(facts["staging"]) if "staging" in facts else None
    if staging is not None and staging < _INSTALLING:
        return State.TRANSITIONING, "install"
    if "installed" not in facts:
        return (State.ABSENT, "") if staging is None else (State.NOT_READY, "interrupted")
    if facts.get("digest") != digest:
        return State.NOT_READY, "other-version"
    if last and last.result != "ok":
        return State.FAILED, last.result
    return State.READY, ""


def _facts(text: str) -> dict[str, str]:
    facts = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        facts[name] = value.strip()
    return facts


def _operation(facts: dict[str, str]) -> Operation | None:
    if "operation" not in facts:
        return None
    pid, what, age = (*facts["operation"].split(), "", "", "")[:3]
    return Operation(pid=pid, what=what, age=seconds_of(age))


def _last(facts: dict[str, str]) -> LastRun | None:
    if "last" not in facts:
        return None
    ago, result, hook = (*facts["last"].split(maxsplit=2), "", "", "")[:3]
    told = "; ".join(map(str, read_hooks([hook])))
    return LastRun(ago=seconds_of(ago), result=result, hook=told)


def seconds_of(word: str) -> timedelta:
    """A guest may say anything, and its clock may have been set back."""
    number = _NUMBER.match(word)
    return timedelta(seconds=int(number[0]) if number else 0)
