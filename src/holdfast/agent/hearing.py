"""What a job's process says, line by line, and what of it belongs into the job."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from holdfast.agent.jobs import Ending, Facts
from holdfast.base.texts import _
from holdfast.fleet.jobs import StepState
from holdfast.fleet.messages import Line, Step

_MOST_LINES = 1000
_LONGEST = 2000
_OUTER = ("event", "version")
_STEP_STATES = {
    "running": StepState.RUNNING,
    "done": StepState.DONE,
    "failed": StepState.FAILED,
    "left-out": StepState.SKIPPED,
    "skipped": StepState.SKIPPED,
}
_DETAIL = ("said", "error")
# Progress of a step that has a name of its own.
_OF_A_STEP = frozenset(("replicate",))


@dataclass(slots=True, kw_only=True)
class Heard:
    """All that one process has said so far, and what of it has not been passed on yet."""

    progress: Facts = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    fresh: list[Line] = field(default_factory=list)
    result: Facts | None = None
    error: Facts | None = None
    status: int | None = None
    said_something: bool = False
    _lines: int = 0
    _rest: bytes = b""

    @property
    def ending(self) -> Ending:
        return Ending(status=self.status, result=self.result, error=self.error)

    def take(self, content: bytes, now: datetime) -> None:
        """More output; a line that is not whole waits for the rest of it."""
        self.said_something |= bool(content)
        *whole, self._rest = (self._rest + content).split(b"\n")
        for line in filter(None, whole):
            self._line(line, now)

    def finish(self, now: datetime) -> None:
        """There will be no more: what is open ends with it."""
        if self._rest:
            self._line(self._rest, now)
            self._rest = b""
        state = StepState.FAILED if self.status is None or self.error else StepState.DONE
        self._end_step(state, now)
        if self._lines > _MOST_LINES:
            text = _("{count} more lines are left out").format(count=self._lines - _MOST_LINES)
            self.fresh.append(Line(at=now, level="info", text=text))

    @property
    def pending(self) -> int:
        """Bytes taken that make no whole line yet."""
        return len(self._rest)

    def _line(self, line: bytes, now: datetime) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            self._note("info", line.decode(errors="backslashreplace"), now)
            return
        self._event(event, now)

    def _event(self, event: dict[str, Any], now: datetime) -> None:
        facts = {name: value for name, value in event.items() if name not in _OUTER}
        match event.get("event"):
            case "progress":
                self._progress(facts, now)
            case "exit":
                self.status = event.get("status")
            case "error":
                self.error = facts
                self._note("error", str(event.get("message")), now)
            case "warning":
                self._note("warning", str(event.get("message")), now)
            case "skipped":
                text = f"{event.get('path')}: {event.get('message')} ({event.get('code')})"
                self._note("warning", text, now)
            case "finding" | "loss" as what:
                self._note("warning", str(event.get("message") or event.get("path") or what), now)
            case "vm-step" | "replication-step" | "recovery-step":
                self._named_step(facts, now)
            case "vm-waiting":
                names = ", ".join(str(one.get("vm")) for one in event.get("holders") or ())
                text = _("waits for its turn on this host; at work: {names}")
                self._note("info", text.format(names=names or "-"), now)
            case "retain":
                rules = ", ".join(event.get("rules") or ()) or "-"
                kept = "+" if event.get("keep") else "-"
                self._note("info", f"{kept} {event.get('point')} {event.get('time')} {rules}", now)
            case _:
                self.result = facts

    def _progress(self, facts: Facts, now: datetime) -> None:
        self.progress = facts
        phase = str(facts.get("phase", ""))
        if phase in _OF_A_STEP:
            return
        if not self.steps or self.steps[-1].name != phase:
            self._end_step(StepState.DONE, now)
            number = len(self.steps) + 1
            running = StepState.RUNNING.value
            step = Step(number=number, name=phase, state=running, started_at=now)
            self.steps = [*self.steps, step]

    def _named_step(self, told: Facts, now: datetime) -> None:
        """A step with a name and an end of its own; one that is told of again is told anew."""
        name, state = str(told.get("step", "")), _STEP_STATES.get(str(told.get("state")))
        if state is None:
            return
        known = next((one for one in self.steps if one.name == name), None)
        begun = known.started_at if known is not None else self._last_end or now
        step = Step(
            number=known.number if known is not None else len(self.steps) + 1,
            name=name,
            state=state.value,
            started_at=begun,
            ended_at=None if state is StepState.RUNNING else now,
            detail={key: told[key] for key in _DETAIL if told.get(key)},
        )
        self.steps = [*(one for one in self.steps if one.name != name), step]

    @property
    def _last_end(self) -> datetime | None:
        return self.steps[-1].ended_at if self.steps else None

    def _end_step(self, state: StepState, now: datetime) -> None:
        if self.steps and self.steps[-1].ended_at is None:
            last = replace(self.steps[-1], state=state.value, ended_at=now)
            self.steps = [*self.steps[:-1], last]

    def _note(self, level: str, text: str, now: datetime) -> None:
        self._lines += 1
        if self._lines <= _MOST_LINES:
            self.fresh.append(Line(at=now, level=level, text=text[:_LONGEST]))
