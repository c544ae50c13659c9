"""Questions of people who look into recovery points: who answers, and with which passphrase."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.answering import Answering
from holdfast.agent.link import Identity, Link
from holdfast.agent.running import Program
from holdfast.agent.typed_keys import TypedKeys
from holdfast.base.clock import SystemClock
from holdfast.fleet.job_errors import TypedKeyGone
from holdfast.fleet.questions import Question
from holdfast.testing.server_double import ServerDouble, served
from holdfast.testing.waiting import wait_until

# Answers with who it is, what it was begun with, and its own command line.
_LOOKER = """
import json, os, sys
begun = json.loads(sys.stdin.readline())
for line in sys.stdin:
    asked = json.loads(line)
    if asked["kind"] == "die":
        sys.exit(1)
    if asked["kind"] == "hang":
        sys.stdin.read()
    if asked["kind"] == "refuse":
        answer = {"error": {"code": "wrong-passphrase"}}
    else:
        words = open("/proc/self/cmdline").read() + json.dumps(dict(os.environ))
        answer = {"result": {"pid": os.getpid(), "begun": begun, "words": words}}
    print(json.dumps(answer), flush=True)
"""


class Desk:
    def __init__(self, server: ServerDouble) -> None:
        self.server, self.warnings = server, list[str]()
        clock, link = (
            SystemClock(),
            Link(Identity(server=server.url, ca="", certificate="", key="")),
        )
        self.keys = TypedKeys(link, clock=clock)
        self.answering = Answering(
            link,
            Program(words=[], plain=[], environment={}, answers=[sys.executable, "-c", _LOOKER]),
            self.keys,
            location_of=lambda machine: f"rest+https://server/{machine}",
            clock=clock,
            warn=self.warnings.append,
        )
        self._count = 0

    def ask(self, kind: str = "folder", **more: Any) -> dict[str, Any]:
        self._count += 1
        question = Question(id=f"q{self._count}", kind=kind, **more)
        self.answering.take(question)
        wait_until(lambda: question.id in self.server.answers)
        return self.server.answers[question.id]

    def ask_about(self, machine: str, kind: str = "folder", *, unlock: str) -> dict[str, Any]:
        ticket = f"ticket-{self._count}"
        self.server.keys[ticket] = f"passphrase of {machine}"
        return self.ask(kind, machine=machine, unlock=unlock, ticket=ticket)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with served() as server:
        desk = Desk(server)
        yield desk
        desk.answering.stop()


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists()


def test_repository_is_kept_open_for_the_next_question(desk: Desk) -> None:
    first, second = (desk.ask()["result"] for _turn in range(2))

    assert first["begun"] == {}
    assert first["pid"] == second["pid"]


def test_process_that_has_died_is_begun_anew(desk: Desk) -> None:
    first = desk.ask()["result"]
    os.kill(first["pid"], 9)
    wait_until(lambda: "Z" in Path(f"/proc/{first['pid']}/stat").read_text().split())

    assert desk.ask()["result"]["pid"] != first["pid"]


def test_question_that_ends_its_process_is_answered_with_an_error(desk: Desk) -> None:
    answer = desk.ask("die")

    assert answer["error"]["code"] == "answer-late"
    assert "pid" in desk.ask()["result"]


def test_nobody_waits_for_a_process_that_hangs(desk: Desk) -> None:
    first = desk.ask()["result"]

    answer = desk.ask("hang", seconds=0.2)

    assert answer["error"]["code"] == "answer-late"
    assert not is_there(first["pid"])


def test_another_machines_passphrase_is_in_no_command_line(desk: Desk) -> None:
    result = desk.ask_about("m2", unlock="u1")["result"]

    assert result["begun"] == {
        "location": "rest+https://server/m2",
        "passphrase": "passphrase of m2",
    }
    assert "passphrase of m2" not in result["words"]
    assert desk.server.keys == {}


def test_what_one_person_opened_answers_nobody_else(desk: Desk) -> None:
    own, mine, yours = (
        desk.ask()["result"]["pid"],
        desk.ask_about("m2", unlock="u1")["result"]["pid"],
        desk.ask_about("m2", unlock="u2")["result"]["pid"],
    )

    assert len({own, mine, yours}) == 3


def test_passphrase_that_opens_nothing_is_not_kept(desk: Desk) -> None:
    first = desk.ask_about("m2", unlock="u1")["result"]

    desk.ask_about("m2", "refuse", unlock="u1")

    wait_until(lambda: not is_there(first["pid"]))


def test_it_is_closed_when_the_login_ends(desk: Desk) -> None:
    first = desk.ask_about("m2", unlock="u1")["result"]

    desk.answering.take(Question(id="end", kind="close", unlock="u1"))

    wait_until(lambda: not is_there(first["pid"]))


def test_question_without_a_passphrase_at_hand_is_told_so(desk: Desk) -> None:
    answer = desk.ask(machine="m2", unlock="u1", ticket="used")

    assert answer["error"]["code"] == "typed-key-gone"


def test_so_many_repositories_are_open_and_the_idle_ones_make_room(desk: Desk) -> None:
    pids = [desk.ask_about("m2", unlock=f"u{number}")["result"]["pid"] for number in range(6)]

    wait_until(lambda: sum(map(is_there, pids)) <= 4)
    assert is_there(pids[-1])


def test_passphrase_of_a_job_is_fetched_once_and_kept_while_it_lasts(desk: Desk) -> None:
    desk.server.keys["t"] = "of the job"

    desk.keys.fetch_for("job-1", "t")
    desk.keys.fetch_for("job-1", "t")
    desk.keys.keep_only({"job-1"})

    assert desk.keys.of("job-1").reveal() == b"of the job"
    with pytest.raises(TypedKeyGone):
        desk.keys.of("job-2")
