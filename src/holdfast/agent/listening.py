"""What the server wants done: commands, waited for with the request left open."""

import random
import threading
from collections.abc import Callable

from holdfast.agent.link import Link
from holdfast.base.errors import HoldfastError
from holdfast.fleet.messages import Command, Commands
from holdfast.fleet.questions import Question

_WAIT = 25.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


def _tell_nobody() -> None:
    """The talker finds out by itself."""


class Listener:
    """Hands each command over; only when that has returned is the server told that we have it."""

    def __init__(
        self,
        link: Link,
        take: Callable[[Command], bool],
        *,
        on_silence: Callable[[], None] = _tell_nobody,
        answer: Callable[[Question], None] | None = None,
    ) -> None:
        self._link = link
        self._take = take
        self._on_silence = on_silence
        self._answer = answer
        self._after = 0
        self._failures = 0

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            pause = self.step()
            if pause:
                stop.wait(pause)

    def step(self, wait: float = _WAIT) -> float:
        """Wait for commands once; how long to pause before the next time, in seconds."""
        try:
            fields: dict[str, object] = {"after": self._after, "wait": wait}
            if self._answer is not None and wait:
                fields["questions"] = "true"
            told = self._link.ask("GET", "/commands", Commands, fields=fields, wait=wait)
            if self._answer is not None:
                for question in told.questions:
                    self._answer(question)
            refused = False
            for command in told.commands:
                if not self._take(command):
                    refused = True
                    continue
                self._link.tell("POST", f"/commands/{command.number}/taken")
                self._after = max(self._after, command.number)
        except HoldfastError:
            # The talker says how things stand; here is only somebody to wait.
            self._failures += 1
            self._on_silence()
            longest = min(_FIRST_PAUSE * 2.0 ** min(self._failures, 10), _LONGEST_PAUSE)
            return longest * random.uniform(0.5, 1)  # noqa: S311  no secret
        self._failures = 0
        # It is offered again at once, and may suit us in a moment.
        return _FIRST_PAUSE if refused else 0
