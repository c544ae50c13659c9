"""Worker processes: one batch each at a time, results in any order, no death unnoticed.

Processes, because small blobs hold the interpreter's lock; forked, so that the index is shared.
"""

import contextlib
import ctypes
import gc
import os
import select
import signal
from collections.abc import Callable
from typing import NamedTuple, Self

from holdfast.base.memory import keep_freed_memory
from holdfast.files.restore.messages import Batch, Outcome
from holdfast.vault.forking import WorkerDied, end_of, fork, send_error
from holdfast.vault.pipes import Connection, open_pipe

_PR_SET_PDEATHSIG = 1
_RARELY = 100_000
Do = Callable[[Batch], Outcome]


class _Member(NamedTuple):
    """A worker as the parent sees it."""

    pid: int
    tasks: Connection
    results: Connection

    def close(self) -> None:
        self.tasks.close()
        self.results.close()


class Crew:
    """Use as a context: at its end, however it comes, no worker is left."""

    def __init__(self, workers: int, hire: Callable[[], Do]) -> None:
        """`hire` runs in each new process and gives what does its batches."""
        self._members: dict[int, _Member] = {}  # by the descriptor of their results
        self._idle: list[_Member] = []
        self._poll = select.poll()
        for _ in range(max(1, workers)):
            self._fork(hire)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # All at once: each takes a while to give its memory back.
        for member in self._members.values():
            os.kill(member.pid, signal.SIGKILL)
        for member in self._members.values():
            os.waitpid(member.pid, 0)
            member.close()
        self._members.clear()

    @property
    def is_idle(self) -> bool:
        """Whether somebody waits for work."""
        return bool(self._idle)

    @property
    def busy(self) -> int:
        return len(self._members) - len(self._idle)

    @property
    def size(self) -> int:
        return len(self._members)

    def give(self, batch: Batch) -> None:
        member = self._idle.pop()
        try:
            member.tasks.send(batch)
        except BrokenPipeError as err:
            raise self._lost(member) from err

    def outcomes(self, timeout: float) -> list[Outcome]:
        """What is done by now; waits for the first, or for the end of a worker."""
        ready = self._poll.poll(timeout * 1000)
        return [self._receive(self._members[descriptor]) for descriptor, _ in ready]

    def _receive(self, member: _Member) -> Outcome:
        try:
            answer = member.results.recv()
        except EOFError as err:
            raise self._lost(member) from err
        if isinstance(answer, tuple):
            raise answer[1]
        self._idle.append(member)
        assert isinstance(answer, Outcome)
        return answer

    def _lost(self, member: _Member) -> WorkerDied:
        del self._members[member.results.fileno()]
        member.close()
        return WorkerDied(reason=end_of(member.pid))

    def _fork(self, hire: Callable[[], Do]) -> None:
        task_out, task_in = open_pipe()
        result_out, result_in = open_pipe()
        parent = os.getpid()

        def live() -> None:
            # A pipe ends only when nobody holds its other end any more.
            for each in (_Member(0, task_in, result_out), *self._members.values()):
                each.close()
            _work(task_out, result_in, hire=hire, parent=parent)

        pid = fork(live)
        task_out.close()
        result_in.close()
        member = _Member(pid, task_in, result_out)
        self._members[result_out.fileno()] = member
        self._poll.register(result_out, select.POLLIN)
        self._idle.append(member)


def _work(tasks: Connection, results: Connection, *, hire: Callable[[], Do], parent: int) -> None:
    try:
        _die_with(parent)
        keep_freed_memory()
        # What a batch makes lives as long as the batch: looking for cycles in it finds none.
        gc.set_threshold(_RARELY)
        os.umask(0)
        do = hire()
        while True:
            results.send(do(tasks.recv()))
    except (EOFError, BrokenPipeError):
        return
    except BaseException as err:
        send_error(results, err)
        raise


def _die_with(parent: int) -> None:
    """A restore that was killed must not go on writing while the next one starts."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)
