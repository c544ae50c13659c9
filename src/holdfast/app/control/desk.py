"""Questions to machines that people wait for: in memory only, from the asking to the answer.

With several servers on one database, a question reaches a machine whose agent listens at the same
server as the person asks.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from holdfast.app.control.browse_errors import TooManyQuestions
from holdfast.fleet.questions import Answer, Question

MOST_OPEN = 200
MOST_OF_MACHINE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One question; the futures are done when its agent has come for it, and has answered."""

    machine_id: str
    question: Question
    taken: "Future[None]" = field(default_factory=Future)
    answered: "Future[Answer]" = field(default_factory=Future)


class Desk:
    """To be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Pending] = {}
        self._told: dict[str, list[Question]] = {}
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """To be told, in whatever thread, for which machine there is something new."""
        self._listeners.append(listener)

    def ask(self, machine_id: str, question: Question) -> Pending:
        pending = Pending(machine_id=machine_id, question=question)
        with self._lock:
            of_machine = [one for one in self._open.values() if one.machine_id == machine_id]
            if len(self._open) >= MOST_OPEN or len(of_machine) >= MOST_OF_MACHINE:
                raise TooManyQuestions
            self._open[question.id] = pending
        self._ring(machine_id)
        return pending

    def tell(self, machine_id: str, question: Question) -> None:
        """What needs no answer: told the next time that its agent comes."""
        with self._lock:
            told = self._told.setdefault(machine_id, [])
            # The oldest go: a machine that never comes must not fill the memory.
            self._told[machine_id] = [*told[-MOST_OF_MACHINE:], question]
        self._ring(machine_id)

    def take(self, machine_id: str) -> list[Question]:
        """Those for a machine that nobody has taken yet; each is told once."""
        with self._lock:
            found = [
                one
                for one in self._open.values()
                if one.machine_id == machine_id and not one.taken.done()
            ]
            for one in found:
                one.taken.set_result(None)
            told = self._told.pop(machine_id, [])
        return [*told, *(one.question for one in found)]

    def answer(self, machine_id: str, question_id: str, answer: Answer) -> bool:
        """Whether somebody still waits for it."""
        with self._lock:
            pending = self._open.get(question_id)
            if pending is None or pending.machine_id != machine_id:
                return False
            del self._open[question_id]
            if not pending.answered.done():
                pending.answered.set_result(answer)
        return True

    def forget(self, pending: Pending) -> None:
        """Whoever asked does not wait any more."""
        with self._lock:
            self._open.pop(pending.question.id, None)

    def _ring(self, machine_id: str) -> None:
        for listener in self._listeners:
            listener(machine_id)
