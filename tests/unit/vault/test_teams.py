"""Processes that stay: every task once, in any round, and nobody is left behind."""

import os
import signal
from collections.abc import Iterator

import pytest

from holdfast.storage.errors import FileMissing
from holdfast.vault.forking import WorkerDied
from holdfast.vault.teams import Team
from tests.unit.vault.test_forking import children, interrupt_at_the_second_fork


def twice(number: int) -> Iterator[tuple[int, int]]:
    yield number, os.getpid()
    yield number, os.getpid()


def test_each_round_gets_all_results_of_its_tasks() -> None:
    with Team(twice, size=2) as team:
        rounds = [sorted(number for number, _ in team.do(range(n))) for n in (100, 0, 1, 30)]

    assert rounds == [sorted([*range(n), *range(n)]) for n in (100, 0, 1, 30)]


def test_all_rounds_are_done_by_the_same_processes() -> None:
    with Team(twice, size=2) as team:
        first, second = ({pid for _, pid in team.do(range(200))} for _ in range(2))

    assert os.getpid() not in first | second
    assert len(first | second) <= 2


def test_results_larger_than_a_pipe_arrive() -> None:
    def large(number: int) -> Iterator[bytes]:
        yield bytes([number]) * 3_000_000

    with Team(large, size=2) as team:
        found = {piece[0]: len(piece) for piece in team.do(range(8))}

    assert found == dict.fromkeys(range(8), 3_000_000)


def test_interrupted_while_one_is_forked_leaves_no_process_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = children()
    interrupt_at_the_second_fork(monkeypatch, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), Team(twice, size=3) as team:
        list(team.do(range(10)))

    assert children() <= before


def test_nobody_is_forked_before_there_is_something_to_do() -> None:
    before = children()

    with Team(twice, size=2) as team:
        assert not team.is_there
        assert children() <= before
        list(team.do([1]))
        assert team.is_there

    assert children() <= before


def test_an_error_of_ours_comes_home_and_leaves_nobody() -> None:
    def fails(number: int) -> Iterator[int]:
        yield number
        raise FileMissing(place="there", name="it")

    before = children()
    with (
        pytest.raises(FileMissing, match="there has no file it"),
        Team(fails, size=2) as team,
    ):
        list(team.do(range(100)))

    assert children() <= before


def test_a_killed_member_is_noticed_and_leaves_nobody() -> None:
    def dies(number: int) -> Iterator[int]:
        yield number
        os.kill(os.getpid(), signal.SIGKILL)

    before = children()
    with pytest.raises(WorkerDied, match="signal 9"), Team(dies, size=2) as team:
        list(team.do(range(100)))

    assert children() <= before


def test_leaving_in_the_middle_leaves_nobody() -> None:
    before = children()

    with Team(twice, size=2) as team:
        next(team.do(range(1000)))

    assert children() <= before
