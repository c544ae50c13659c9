"""Forked processes that stay, for work that comes in rounds: what is next is known only after."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, Self, TypeVar

from holdfast.vault.forking import (
    WorkerDied,
    answer,
    end_of,
    fork,
    interrupts_held,
    ready_among,
)
from holdfast.vault.pipes import Connection, open_pipe

_T = TypeVar("_T")
_R = TypeVar("_R")


class Member(NamedTuple):
    """A process as the parent sees it."""

    pid: int
    tasks: Connection
    results: Connection

    def close(self) -> None:
        self.tasks.close()
        self.results.close()


def forked_member(
    serve: Callable[[Connection, Connection], None], elders: Iterable[Member]
) -> Member:
    """A new process that lives by `serve`, which is given its ends for tasks and for results."""
    task_out, task_in = open_pipe()
    result_out, result_in = open_pipe()

    def live() -> None:
        # A pipe ends only when nobody holds its other end any more.
        for each in (Member(0, task_in, result_out), *elders):
            each.close()
        serve(task_out, result_in)

    pid = fork(live)
    task_out.close()
    result_in.close()
    return Member(pid, task_in, result_out)


class Team(Generic[_T, _R]):
    """Use as a context: at its end, however it comes, nobody is left.

    The processes are forked when there is something to do for the first time.
    """

    def __init__(self, work: Callable[[_T], Iterable[_R]], *, size: int) -> None:
        self._work = work
        self._size = size
        self._members: list[Member] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.close()
            os.kill(member.pid, signal.SIGKILL)
        for member in self._members:
            os.waitpid(member.pid, 0)
        self._members.clear()

    @property
    def is_there(self) -> bool:
        """Whether the processes are forked already, so that asking them costs little."""
        return bool(self._members)

    def do(self, tasks: Iterable[_T]) -> Iterator[_R]:
        """What the work yields for these tasks, in any order; take it to its end."""
        with interrupts_held():
            while len(self._members) < self._size:
                self._members.append(forked_member(self._serve, self._members))
        # One task each at a time: so whoever is written to is reading.
        waiting, idle = list(tasks)[::-1], list(self._members)
        busy: dict[Connection, Member] = {}
        while waiting or busy:
            while waiting and idle:
                member = idle.pop()
                self._give(member, waiting.pop())
                busy[member.results] = member
            for results in ready_among(busy):
                is_result, content = self._heard(busy[results])
                if is_result:
                    yield content
                    continue
                idle.append(busy.pop(results))
                if content is not None:
                    raise content

    def _give(self, member: Member, task: _T) -> None:
        try:
            member.tasks.send(task)
        except BrokenPipeError as err:
            raise self._lost(member) from err

    def _heard(self, member: Member) -> tuple[bool, Any]:
        try:
            heard: tuple[bool, Any] = member.results.recv()
        except EOFError as err:
            raise self._lost(member) from err
        return heard

    def _lost(self, member: Member) -> WorkerDied:
        self._members.remove(member)
        member.close()
        return WorkerDied(reason=end_of(member.pid))

    def _serve(self, tasks: Connection, results: Connection) -> None:
        while True:
            try:
                task = tasks.recv()
            except EOFError:
                return
            answer(iter(self._work(task)), results)
