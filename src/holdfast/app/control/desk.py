"""Questions to machines that people wait for: in memory only, from the asking to the answer.

With several servers on one database the agent may listen at another one: what is asked here is
lent to the others, and what they lend is told to the agents that come here. See `neighbours`.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakValueDictionary

from holdfast.app.control.browse_errors import TooManyQuestions
from holdfast.base.secret import Secret
from holdfast.fleet.questions import Answer, Question

MOST_OPEN = 200
MOST_OF_MACHINE = 20
MOST_BORROWED = 1000


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Pending:
    """One question; the futures are done when its agent has come for it, and has answered."""

    machine_id: str
    question: Question
    taken: "Future[None]" = field(default_factory=Future)
    answered: "Future[Answer]" = field(default_factory=Future)


@dataclass(slots=True, kw_only=True)
class Borrowed:
    """A question that was asked at another server, which the answer goes back to."""

    machine_id: str
    question: Question
    reply_to: bytes
    # Nobody waits for it any more.
    is_over: Callable[[], bool]
    is_taken: bool = False


class Elsewhere(Protocol):
    """The other servers; to tell them takes no time."""

    def asked(self, machine_id: str, question: Question) -> None: ...

    def told(self, machine_id: str, question: Question) -> None: ...

    def taken(self, question_id: str) -> None: ...

    def answered(self, borrowed: Borrowed, answer: Answer) -> None: ...

    def key_for(self, ticket: str, reader_id: str) -> Secret | None: ...


class Desk:
    """To be used from any thread."""

    def __init__(self) -> None:
        # None: this server is the only one.
        self.elsewhere: Elsewhere | None = None
        self._lock = threading.Lock()
        # Whoever asked holds it: what nobody holds any more, nobody waits for.
        self._open: WeakValueDictionary[str, Pending] = WeakValueDictionary()
        self._borrowed: dict[str, Borrowed] = {}
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
        if self.elsewhere is not None:
            self.elsewhere.asked(machine_id, question)
        return pending

    def lend(self, borrowed: Borrowed) -> None:
        """By another server: for the agent that may come here."""
        with self._lock:
            kept = [one for one in self._borrowed.values() if not one.is_over()]
            self._borrowed = {one.question.id: one for one in (*kept[-MOST_BORROWED:], borrowed)}
        self._ring(borrowed.machine_id)

    def tell(self, machine_id: str, question: Question, *, here_only: bool = False) -> None:
        """What needs no answer: told the next time that its agent comes."""
        with self._lock:
            told = self._told.setdefault(machine_id, [])
            # The oldest go: a machine that never comes must not fill the memory.
            self._told[machine_id] = [*told[-MOST_OF_MACHINE:], question]
        self._ring(machine_id)
        if self.elsewhere is not None and not here_only:
            self.elsewhere.told(machine_id, question)

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
            lent = self._take_lent(machine_id)
            told = self._told.pop(machine_id, [])
        questions = [*(one.question for one in found), *lent]
        if self.elsewhere is not None:
            for question in questions:
                self.elsewhere.taken(question.id)
        return [*told, *questions]

    def taken_elsewhere(self, question_id: str) -> None:
        """The agent that it is for came to another server."""
        with self._lock:
            pending, borrowed = self._open.get(question_id), self._borrowed.get(question_id)
            if borrowed is not None:
                borrowed.is_taken = True
            if pending is not None and not pending.taken.done():
                pending.taken.set_result(None)

    def answer(self, machine_id: str, question_id: str, answer: Answer) -> bool:
        """Whether somebody still waits for it."""
        with self._lock:
            borrowed = self._borrowed.get(question_id)
            if borrowed is not None and borrowed.machine_id == machine_id:
                del self._borrowed[question_id]
                is_ours = False
            else:
                borrowed, is_ours = None, self._answer_ours(machine_id, question_id, answer)
        if borrowed is not None and self.elsewhere is not None:
            self.elsewhere.answered(borrowed, answer)
        return is_ours or borrowed is not None

    def forget(self, pending: Pending) -> None:
        """Whoever asked does not wait any more."""
        with self._lock:
            self._open.pop(pending.question.id, None)

    def _take_lent(self, machine_id: str) -> list[Question]:
        found = [
            one
            for one in self._borrowed.values()
            if one.machine_id == machine_id and not one.is_taken and not one.is_over()
        ]
        for one in found:
            # Kept until its answer comes, which goes by way of us.
            one.is_taken = True
        return [one.question for one in found]

    def _answer_ours(self, machine_id: str, question_id: str, answer: Answer) -> bool:
        pending = self._open.get(question_id)
        if pending is None or pending.machine_id != machine_id:
            return False
        del self._open[question_id]
        if not pending.answered.done():
            pending.answered.set_result(answer)
        return True

    def _ring(self, machine_id: str) -> None:
        for listener in self._listeners:
            listener(machine_id)
