"""The processes of replication: one of each, started again, found again, ended in order."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.followers import Follower
from holdfast.agent.running import Program
from holdfast.app.replication_errors import ReplicationRuns
from holdfast.app.replication_process import Work, alone, at_work
from holdfast.base.clock import SystemClock
from holdfast.testing.waiting import wait_until

# What `holdfast replication run` does with its lock, and nothing else.
_WORKS = """
import os, signal, sys
from holdfast.app.replication_process import Work, alone
home, _group, work, *flags = sys.argv[1:]
with alone(home, Work(work), is_agents="--for-agent" in flags):
    while True:
        signal.pause()
"""
_FAILS = "import sys; sys.exit(7)"
Make = Callable[..., Follower]


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path)


@pytest.fixture
def make(home: str) -> Iterator[Make]:
    made: list[Follower] = []

    def new(script: str = _WORKS, **more: Any) -> Follower:
        follower = Follower(
            home=home,
            work=Work.RUN,
            program=Program(words=[], plain=[sys.executable, "-c", script, home], environment={}),
            clock=SystemClock(),
            warn=more.get("warn", lambda _: None),
            is_wanted=more.get("is_wanted", lambda: True),
        )
        made.append(follower)
        return follower

    yield new
    for follower in made:
        _let_end(follower)


def _let_end(follower: Follower) -> None:
    def has_ended() -> bool:
        follower.kill()
        return follower.has_ended()

    wait_until(has_ended)


def _pid(home: str) -> int:
    found = at_work(home, Work.RUN)
    return found.pid if found else 0


def _started(follower: Follower, home: str) -> int:
    def is_there() -> bool:
        follower.tick()
        return _pid(home) > 0

    wait_until(is_there)
    return _pid(home)


def test_what_is_wanted_is_started_once(make: Make, home: str) -> None:
    follower = make()

    first = _started(follower, home)
    for _turn in range(5):
        follower.tick()

    assert _pid(home) == first


def test_what_is_not_wanted_is_neither_started_nor_left_at_work(make: Make, home: str) -> None:
    wanted = [False]
    follower = make(is_wanted=lambda: wanted[0])

    follower.tick()
    before = at_work(home, Work.RUN)
    wanted[0] = True
    _started(follower, home)
    wanted[0] = False

    def has_ended() -> bool:
        follower.tick()
        return follower.has_ended()

    wait_until(has_ended)
    assert before is None


def test_one_that_was_killed_is_started_again(make: Make, home: str) -> None:
    follower = make()
    first = _started(follower, home)

    os.kill(first, signal.SIGKILL)

    def is_another() -> bool:
        follower.tick()
        return _pid(home) not in (0, first)

    wait_until(is_another)


def test_the_next_agent_finds_what_a_killed_one_has_left(make: Make, home: str) -> None:
    first = _started(make(), home)

    heir = make()
    for _turn in range(5):
        heir.tick()
    before = _pid(home)
    heir.stop()

    wait_until(heir.has_ended)
    assert before == first


def test_what_a_person_has_started_is_left_alone(make: Make, home: str) -> None:
    words = [sys.executable, "-c", _WORKS, home, "replication", "run"]
    with subprocess.Popen(words) as person:
        try:
            wait_until(lambda: _pid(home) == person.pid)
            follower = make()

            follower.tick()
            follower.stop()
            follower.kill()

            assert follower.has_ended()
            assert person.poll() is None
        finally:
            person.kill()


def test_one_that_fails_is_told_of_and_tried_more_and_more_seldom(make: Make) -> None:
    said: list[str] = []
    follower = make(_FAILS, warn=said.append)

    def is_told_twice() -> bool:
        follower.tick()
        return len(said) > 1

    wait_until(is_told_twice)
    assert "status 7" in said[0]


def test_a_second_one_is_told_who_is_at_work(home: str) -> None:
    with alone(home, Work.SERVE):
        with pytest.raises(ReplicationRuns, match=str(os.getpid())), alone(home, Work.SERVE):
            pass
        mine = at_work(home, Work.SERVE)

    assert mine is not None
    assert (mine.pid, mine.is_agents) == (os.getpid(), False)
    assert at_work(home, Work.SERVE) is None
