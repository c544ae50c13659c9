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
from typing import Self

from holdfast.base.memory import keep_freed_memory
from holdfast.files.restore.messages import Batch, Outcome
from holdfast.vault.forking import WorkerDied, end_of, interrupts_held, send_error
from holdfast.vault.pipes import Connection
from holdfast.vault.teams import Member, forked_member

_PR_SET_PDEATHSIG = 1
_RARELY = 100_000
Do = Callable[[Batch], Outcome]


class Crew:
    """Use as a context: at its end, however it comes, no worker is left."""

    def __init__(self, workers: int, hire: Callable[[], Do]) -> None:
        """`hire` runs in each new process and gives what does its batches."""
        self._members: dict[int, Member] = {}  # by the descriptor of their results
        self._idle: list[Member] = []
        self._poll = select.poll()
        self._size, self._hire = max(1, workers), hire

    def __enter__(self) -> Self:
        try:
            with interrupts_held():
                for _ in range(self._size):
                    self._fork()
        except BaseException:
            self.__exit__()
            raise
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

    def _receive(self, member: Member) -> Outcome:
        try:
            answer = member.results.recv()
        except EOFError as err:
            raise self._lost(member) from err
        if isinstance(answer, tuple):
            raise answer[1]
        self._idle.append(member)
        assert isinstance(answer, Outcome)
        return answer

    def _lost(self, member: Member) -> WorkerDied:
        del self._members[member.results.fileno()]
        member.close()
        return WorkerDied(reason=end_of(member.pid))

    def _fork(self) -> None:
        parent = os.getpid()

        def serve(tasks: Connection, results: Connection) -> None:
            _work(tasks, results, hire=self._hire, parent=parent)

        member = forked_member(serve, self._members.values())
        self._members[member.results.fileno()] = member
        self._poll.register(member.results, select.POLLIN)
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
