"""Questions of people who browse recovery points: answered at once, beside all jobs.

Each repository has a process of ours that keeps it open for some minutes, so that the second look
takes no time; another machine's passphrase is in the memory of that process only.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from holdfast.agent.errors import AnswerLate, TooManyLooks
from holdfast.agent.link import Link
from holdfast.agent.running import Program
from holdfast.agent.typed_keys import TypedKeys
from holdfast.app.processes import Conversation, converse
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.fleet.questions import Answer, Asking, Question

_IDLE = 300.0
_MOST = 4


@dataclass(slots=True)
class _Looker:
    """One repository's process, and the questions that wait for it."""

    waiting: queue.SimpleQueue[Question | None] = field(default_factory=queue.SimpleQueue)
    talk: Conversation | None = None
    is_busy: bool = False


class Answering:
    """`take` may be called from any thread and waits for nothing."""

    def __init__(
        self,
        link: Link,
        program: Program,
        keys: TypedKeys,
        *,
        location_of: Callable[[str], str],
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self._link = link
        self._program = program
        self._keys = keys
        self._location_of = location_of
        self._clock = clock
        self._warn = warn
        self._lock = threading.Lock()
        self._lookers: dict[str, _Looker] = {}
        self._is_stopped = False

    def take(self, question: Question) -> None:
        # What one person may open is nobody else's.
        name = question.unlock or ""
        if question.kind == Asking.CLOSE:
            self._close(name)
            return
        with self._lock:
            if self._is_stopped:
                return
            looker = self._lookers.get(name)
            is_new = looker is None
            if looker is None and self._has_room():
                looker = self._lookers[name] = _Looker()
            if looker is not None:
                looker.waiting.put(question)
        if looker is None:
            refusal = TooManyLooks(count=_MOST)
            thread = threading.Thread(target=self._tell, args=(question, _refused(refusal)))
        elif is_new:
            thread = threading.Thread(target=self._work, args=(name, looker))
        else:
            return
        thread.daemon = True
        thread.start()

    def stop(self) -> None:
        """End every process; what was asked stays unanswered."""
        with self._lock:
            self._is_stopped = True
            lookers, self._lookers = [*self._lookers.values()], {}
        for looker in lookers:
            looker.waiting.put(None)
            if looker.talk is not None:
                looker.talk.end()

    def _close(self, name: str) -> None:
        """Whoever typed the passphrase has gone."""
        with self._lock:
            looker = self._lookers.pop(name, None)
        if looker is not None:
            looker.waiting.put(None)

    def _has_room(self) -> bool:
        """If need be by sending home one that nobody asks at the moment."""
        if len(self._lookers) < _MOST:
            return True
        for name, looker in self._lookers.items():
            if not looker.is_busy and looker.waiting.empty():
                del self._lookers[name]
                looker.waiting.put(None)
                return True
        return False

    def _work(self, name: str, looker: _Looker) -> None:
        """The thread of one repository: question after question, until there are none for long."""
        while (question := self._next(name, looker)) is not None:
            try:
                answer = self._answered(looker, question)
            except HoldfastError as err:
                answer = _refused(err)
            looker.is_busy = False
            self._tell(question, answer)
        if looker.talk is not None:
            looker.talk.end()

    def _next(self, name: str, looker: _Looker) -> Question | None:
        try:
            question = looker.waiting.get(timeout=_IDLE)
        except queue.Empty:
            question = None
        with self._lock:
            if question is None and not looker.waiting.empty():
                # It came at the last moment.
                question = looker.waiting.get_nowait()
            looker.is_busy = question is not None
            if question is None and self._lookers.get(name) is looker:
                del self._lookers[name]
        return question

    def _answered(self, looker: _Looker, question: Question) -> Answer:
        line = msgspec.json.encode(question)
        talk = looker.talk or self._begin(looker, question)
        if not talk.tell(line):
            # It was killed while it waited.
            self._end(looker)
            talk = self._begin(looker, question)
            talk.tell(line)
        heard = talk.hear(clock=self._clock, within=question.seconds)
        if heard is None:
            self._end(looker)
            raise AnswerLate(seconds=round(question.seconds))
        answer = msgspec.json.decode(heard, type=Answer)
        if answer.error is not None and question.unlock:
            # A passphrase that opens nothing is not kept a moment longer.
            self._end(looker)
        return answer

    def _begin(self, looker: _Looker, question: Question) -> Conversation:
        beginning: dict[str, str] = {}
        if question.machine is not None:
            passphrase = self._keys.fetch(question.ticket or "")
            beginning = {
                "location": self._location_of(question.machine),
                "passphrase": passphrase.reveal().decode(),
            }
        talk = converse(self._program.answers, environment=self._program.environment)
        looker.talk = talk
        talk.tell(msgspec.json.encode(beginning))
        return talk

    def _end(self, looker: _Looker) -> None:
        talk, looker.talk = looker.talk, None
        if talk is not None:
            talk.end()

    def _tell(self, question: Question, answer: Answer) -> None:
        try:
            self._link.tell("POST", f"/questions/{question.id}/answer", body=answer)
        except HoldfastError as err:
            # Whoever asked has gone, or asks again.
            self._warn(str(err))


def _refused(err: HoldfastError) -> Answer:
    error = {
        "code": err.code,
        "message": str(err),
        "remedy": err.advice,
        "fields": {name: str(value) for name, value in err.fields.items()},
    }
    return Answer(error=error)
