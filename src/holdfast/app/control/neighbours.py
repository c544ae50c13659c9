"""Other servers on the same database: a question asked here reaches an agent that listens there.

What they say to each other goes through PostgreSQL's notices, sealed, and lies in no table: see
`letters`. Questions are open letters to all; answers and passphrases are closed ones to the server
that asked. A letter that is lost is as if nobody had listened: whoever waits is told so.
"""

import contextlib
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from holdfast.app.control.answers import TAKEN_WITHIN
from holdfast.app.control.authority import Authority
from holdfast.app.control.browse_errors import AnswerTooLong
from holdfast.app.control.desk import Borrowed, Desk
from holdfast.app.control.job_orders import error_record
from holdfast.app.control.letters import Post
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.fleet.questions import Answer, Question

_log = logging.getLogger(__name__)
CHANNEL = "holdfast_letters"
_PURPOSE = b"letters between servers"
# A recorded letter that is sent again later is not for us; clocks differ, though.
_FRESH = timedelta(minutes=2)
_KEY_SECONDS = 5.0
# Each holds a thread while it waits, and a machine may ask for tickets that there never were.
_MOST_KEYS = 8
# Redeems a ticket of ours for a machine: the passphrase, or None.
Keeper = Callable[[str, str], Secret | None]


class Way(Protocol):
    """How words get to the others."""

    def say(self, words: Sequence[str]) -> None: ...


class Neighbours:
    """What the desk tells goes out, and what comes in is told to the desk. For any thread."""

    def __init__(
        self,
        way: Way,
        desk: Desk,
        authority: Authority,
        *,
        keeper: Keeper,
        clock: Clock,
        piece: int,
    ) -> None:
        self._way, self._desk, self._keeper, self._clock = way, desk, keeper, clock
        self._post = Post(authority.secret_for(_PURPOSE), piece=piece)
        # Whoever tells us something may not wait for the database.
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="letters")
        self._lock = threading.Lock()
        self._keys: dict[str, Future[Secret]] = {}

    def asked(self, machine_id: str, question: Question) -> None:
        self._send("asked", machine=machine_id, question=msgspec.to_builtins(question))

    def told(self, machine_id: str, question: Question) -> None:
        self._send("told", machine=machine_id, question=msgspec.to_builtins(question))

    def taken(self, question_id: str) -> None:
        self._send("taken", id=question_id)

    def answered(self, borrowed: Borrowed, answer: Answer) -> None:
        told = {"id": borrowed.question.id, "machine": borrowed.machine_id}
        to = borrowed.reply_to
        try:
            self._send("answered", to=to, answer=msgspec.to_builtins(answer), **told)
        except ValueError:
            self._send("answered", to=to, answer={"error": error_record(AnswerTooLong())}, **told)

    def key_for(self, ticket: str, reader_id: str) -> Secret | None:
        """A passphrase that was typed at another server; None: at none."""
        name = secrets.token_hex(16)
        waiting: Future[Secret] = Future()
        with self._lock:
            if len(self._keys) >= _MOST_KEYS:
                return None
            self._keys[name] = waiting
        try:
            self._send("key-wanted", id=name, ticket=ticket, reader=reader_id)
            return waiting.result(_KEY_SECONDS)
        except TooLate:
            return None
        finally:
            with self._lock:
                self._keys.pop(name, None)

    def hear(self, piece: str) -> None:
        letter = self._post.opened(piece)
        if letter is None or letter["from"] == self._post.reply_to.hex():
            return
        if abs(self._clock.now() - datetime.fromisoformat(letter["at"])) <= _FRESH:
            self._take(letter)

    def _take(self, letter: dict[str, Any]) -> None:
        sender = bytes.fromhex(letter["from"])
        match letter["kind"]:
            case "asked":
                question = msgspec.convert(letter["question"], Question)
                self._desk.lend(self._borrowed(letter["machine"], question, sender))
            case "told":
                question = msgspec.convert(letter["question"], Question)
                self._desk.tell(letter["machine"], question, here_only=True)
            case "taken":
                self._desk.taken_elsewhere(letter["id"])
            case "answered":
                answer = msgspec.convert(letter["answer"], Answer)
                self._desk.answer(letter["machine"], letter["id"], answer)
            case "key-wanted":
                found = self._keeper(letter["ticket"], letter["reader"])
                if found is not None:
                    text = found.reveal().decode()
                    self._send("key-found", to=sender, id=letter["id"], passphrase=text)
            case "key-found":
                with self._lock:
                    waiting = self._keys.pop(letter["id"], None)
                if waiting is not None:
                    waiting.set_result(Secret(letter["passphrase"].encode()))
            case kind:
                _log.warning("a letter of an unknown kind: %s", kind)

    def _borrowed(self, machine_id: str, question: Question, sender: bytes) -> Borrowed:
        end = self._clock.monotonic() + question.seconds + TAKEN_WITHIN
        return Borrowed(
            machine_id=machine_id,
            question=question,
            reply_to=sender,
            is_over=lambda: self._clock.monotonic() > end,
        )

    def _send(self, kind: str, *, to: bytes | None = None, **content: Any) -> None:
        at = self._clock.now().isoformat()
        letter = {"kind": kind, "from": self._post.reply_to.hex(), "at": at, **content}
        pieces = self._post.pieces(letter, to)
        with contextlib.suppress(RuntimeError):
            # Else we are about to end.
            self._sender.submit(self._say, pieces)

    def close(self) -> None:
        self._sender.shutdown(cancel_futures=True)

    def _say(self, pieces: Sequence[str]) -> None:
        try:
            self._way.say(pieces)
        except HoldfastError as err:
            # Here it goes on as without them.
            _log.warning("other servers were not told: %s", err)
