"""Worker processes: one batch each at a time, results in any order, no death unnoticed.

Processes, because small blobs hold the interpreter's lock; forked, so that the index is shared.
"""

import contextlib
import ctypes
import gc
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe, wait
from typing import Self

from holdfast.base.memory import keep_freed_memory
from holdfast.files.restore.messages import Batch, Outcome
from holdfast.vault.forking import WorkerDied, end_of, fork, send_error

_PR_SET_PDEATHSIG = 1
_RARELY = 100_000
Do = Callable[[Batch], Outcome]


class Crew:
    """Use as a context: at its end, however it comes, no worker is left."""

    def __init__(self, workers: int, hire: Callable[[], Do]) -> None:
        """`hire` runs in each new process and gives what does its batches."""
        self._children: dict[Connection, int] = {}
        self._idle: list[Connection] = []
        for _ in range(max(1, workers)):
            self._fork(hire)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection, child in self._children.items():
            connection.close()
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._children.clear()

    @property
    def is_idle(self) -> bool:
        """Whether somebody waits for work."""
        return bool(self._idle)

    @property
    def busy(self) -> int:
        return len(self._children) - len(self._idle)

    @property
    def size(self) -> int:
        return len(self._children)

    def give(self, batch: Batch) -> None:
        connection = self._idle.pop()
        try:
            connection.send(batch)
        except BrokenPipeError as err:
            raise self._lost(connection) from err

    def outcomes(self, timeout: float) -> list[Outcome]:
        """What is done by now; waits for the first."""
        busy = [one for one in self._children if one not in self._idle]
        return [self._receive(one) for one in wait(busy, timeout) if isinstance(one, Connection)]

    def _receive(self, connection: Connection) -> Outcome:
        try:
            answer = connection.recv()
        except (EOFError, ConnectionResetError) as err:
            raise self._lost(connection) from err
        if isinstance(answer, tuple):
            raise answer[1]
        self._idle.append(connection)
        assert isinstance(answer, Outcome)
        return answer

    def _lost(self, connection: Connection) -> WorkerDied:
        return WorkerDied(reason=end_of(self._children.pop(connection)))

    def _fork(self, hire: Callable[[], Do]) -> None:
        mine, theirs = Pipe()
        parent = os.getpid()

        def live() -> None:
            # A pipe ends only when nobody holds its other end any more.
            for connection in (mine, *self._children):
                connection.close()
            _work(theirs, hire, parent)

        child = fork(live)
        theirs.close()
        self._children[mine] = child
        self._idle.append(mine)


def _work(connection: Connection, hire: Callable[[], Do], parent: int) -> None:
    try:
        _die_with(parent)
        keep_freed_memory()
        # What a batch makes lives as long as the batch: looking for cycles in it finds none.
        gc.set_threshold(_RARELY)
        os.umask(0)
        do = hire()
        while True:
            connection.send(do(connection.recv()))
    except (EOFError, BrokenPipeError):
        return
    except BaseException as err:
        send_error(connection, err)
        raise


def _die_with(parent: int) -> None:
    """A restore that was killed must not go on writing while the next one starts."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)
