"""Questions and passphrases that go from server to server, over a way that others may listen to."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from holdfast.app.control import neighbours as module
from holdfast.app.control.authority import Authority
from holdfast.app.control.desk import Desk, Pending
from holdfast.app.control.letters import Post
from holdfast.app.control.neighbours import Neighbours
from holdfast.app.control.plane import Plane
from holdfast.base.secret import Secret
from holdfast.fleet.questions import Answer, Question
from holdfast.testing.clock import FakeClock
from holdfast.testing.waiting import wait_until

MACHINE = "machine-with-a-name"
ASKED = Question(id="q1", kind="folder", arguments={"path": "/etc/very-secret-name"})
FOUND = Answer(result={"items": ["also secret"]})


@dataclass
class Street:
    """Every server hears every word; so does whoever records them."""

    recorded: list[str] = field(default_factory=list)
    listeners: list[Callable[[str], None]] = field(default_factory=list)

    def say(self, words: Sequence[str]) -> None:
        self.recorded += words
        for word in words:
            for listener in [*self.listeners]:
                listener(word)


@dataclass
class House:
    """One server: its desk, its neighbours, and the passphrases typed there by ticket."""

    desk: Desk
    neighbours: Neighbours
    typed: dict[tuple[str, str], Secret]


@pytest.fixture
def street() -> Street:
    return Street()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def build(street: Street, clock: FakeClock, plane: Plane) -> Iterator[Callable[..., House]]:
    built: list[House] = []

    def made(authority: Authority = plane.authority) -> House:
        desk, typed = Desk(), dict[tuple[str, str], Secret]()
        neighbours = Neighbours(
            street,
            desk,
            authority,
            keeper=lambda ticket, reader: typed.pop((ticket, reader), None),
            clock=clock,
            piece=7900,
        )
        desk.elsewhere = neighbours
        street.listeners.append(neighbours.hear)
        built.append(House(desk=desk, neighbours=neighbours, typed=typed))
        return built[-1]

    yield made
    for house in built:
        house.neighbours.close()


def taken_at(house: House, machine: str = MACHINE) -> Question:
    """What an agent that comes there is asked."""
    found: list[Question] = []

    def is_there() -> bool:
        found.extend(house.desk.take(machine))
        return bool(found)

    wait_until(is_there)
    return found[0]


def answered(pending: Pending) -> Answer:
    return pending.answered.result(90)


def test_agent_that_comes_to_another_server_is_asked_and_heard(
    build: Callable[..., House],
) -> None:
    here, there = build(), build()
    pending = here.desk.ask(MACHINE, ASKED)

    question = taken_at(there)
    assert question == ASKED
    pending.taken.result(90)
    assert there.desk.answer(MACHINE, question.id, FOUND)

    assert answered(pending) == FOUND


def test_answer_may_come_to_a_third_server(build: Callable[..., House]) -> None:
    here, there, third = build(), build(), build()
    pending = here.desk.ask(MACHINE, ASKED)
    taken_at(there)
    pending.taken.result(90)

    # It hears of the question in its own time.
    wait_until(lambda: third.desk.answer(MACHINE, ASKED.id, FOUND))

    assert answered(pending) == FOUND


def test_question_that_was_taken_is_told_nowhere_else(build: Callable[..., House]) -> None:
    here, there, third = build(), build(), build()
    pending = here.desk.ask(MACHINE, ASKED)
    taken_at(there)
    pending.taken.result(90)

    wait_until(lambda: third.desk.take(MACHINE) == [])
    assert here.desk.take(MACHINE) == []


def test_another_machine_neither_gets_it_nor_answers_it(build: Callable[..., House]) -> None:
    here, there = build(), build()
    pending = here.desk.ask(MACHINE, ASKED)
    taken_at(there)

    assert there.desk.take("m2") == []
    assert not there.desk.answer("m2", ASKED.id, FOUND)
    assert not pending.answered.done()


def test_question_that_nobody_waits_for_is_not_told(
    build: Callable[..., House], clock: FakeClock, street: Street
) -> None:
    here, there = build(), build()
    here.desk.ask(MACHINE, ASKED)
    wait_until(lambda: bool(street.recorded))
    here.neighbours.close()
    clock.sleep(600)

    assert there.desk.take(MACHINE) == []


def test_word_that_needs_no_answer_goes_to_all(build: Callable[..., House]) -> None:
    here, there = build(), build()

    here.desk.tell(MACHINE, ASKED)

    assert taken_at(there) == ASKED
    assert here.desk.take(MACHINE) == [ASKED]


def test_passphrase_that_was_typed_elsewhere_is_fetched_once(build: Callable[..., House]) -> None:
    here, there = build(), build()
    here.typed["ticket", MACHINE] = Secret(b"open sesame")

    assert there.neighbours.key_for("ticket", MACHINE) == Secret(b"open sesame")
    assert here.typed == {}


def test_ticket_that_nobody_knows_is_not_waited_for_for_ever(
    build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEY_SECONDS", 0.01)
    there = build()
    build()

    assert there.neighbours.key_for("ticket", MACHINE) is None


def test_letter_that_is_sent_again_later_is_not_taken(
    build: Callable[..., House], street: Street, clock: FakeClock
) -> None:
    here = build()
    here.desk.ask(MACHINE, ASKED)
    wait_until(lambda: bool(street.recorded))
    (word,) = street.recorded
    clock.jump(timedelta(hours=1))
    late = build()

    late.neighbours.hear(word)

    assert late.desk.take(MACHINE) == []


def test_answer_too_long_for_the_way_says_so(
    build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.app.control.letters.MOST", 2000)
    here, there = build(), build()
    pending = here.desk.ask(MACHINE, ASKED)
    taken_at(there)

    noise = random.Random(1).randbytes(9000).hex()
    there.desk.answer(MACHINE, ASKED.id, Answer(result={"items": [noise]}))

    error = answered(pending).error
    assert error is not None
    assert error["code"] == "answer-too-long"


def test_nothing_of_it_can_be_read_on_the_way(build: Callable[..., House], street: Street) -> None:
    here, there = build(), build()
    pending = here.desk.ask(MACHINE, ASKED)
    taken_at(there)
    there.desk.answer(MACHINE, ASKED.id, FOUND)
    answered(pending)

    heard = " ".join(street.recorded)
    assert "secret" not in heard
    assert MACHINE not in heard


LETTER = {"kind": "answered", "from": "00", "text": "secret"}


def test_closed_letter_is_read_by_its_receiver_alone() -> None:
    sender, receiver, third = (Post(b"k" * 32, piece=7900) for _ in range(3))

    (piece,) = sender.pieces(LETTER, receiver.reply_to)

    assert receiver.opened(piece) == LETTER
    assert third.opened(piece) is None


def test_letter_of_somebody_without_the_keys_is_not_read() -> None:
    stranger, server = Post(b"x" * 32, piece=7900), Post(b"k" * 32, piece=7900)

    assert server.opened(stranger.pieces(LETTER)[0]) is None
    assert server.opened(stranger.pieces(LETTER, server.reply_to)[0]) is None


def test_long_letter_comes_in_pieces_none_of_which_is_too_long() -> None:
    sender, receiver = Post(b"k" * 32, piece=200), Post(b"k" * 32, piece=200)
    letter = {"text": random.Random(1).randbytes(3000).hex()}

    pieces = sender.pieces(letter)

    assert len(pieces) > 1
    assert max(map(len, pieces)) <= 200
    assert [receiver.opened(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [letter]


def test_letter_whose_beginning_was_missed_is_passed_over() -> None:
    sender, receiver = Post(b"k" * 32, piece=200), Post(b"k" * 32, piece=200)
    pieces = sender.pieces({"text": random.Random(1).randbytes(3000).hex()})

    assert [receiver.opened(piece) for piece in pieces[1:]] == [None] * (len(pieces) - 1)
    assert receiver.opened(sender.pieces(LETTER)[0]) == LETTER
