"""The forked workers, and the pipes to them."""

import contextlib
import fcntl
import os
import select
import signal
from collections.abc import Iterator

import msgspec

from holdfast.base.units import MIB
from holdfast.files.backup import worker
from holdfast.files.backup.messages import Result, Task, decode_results, encode
from holdfast.files.backup.slots import Slots
from holdfast.files.backup.worker import WorkerMeans
from holdfast.vault.forking import WorkerDied, end_of, fork, interrupts_held
from holdfast.vault.pipes import Connection, open_pipe

# Batches a worker holds at most: one it works on, and the next so that it need not wait.
_AHEAD = 2
# What surely fits in an empty pipe, see pipe(7).
_PIPE_BYTES = 48 << 10


class Worker(msgspec.Struct):
    pid: int
    tasks: Connection
    results: Connection
    ahead: int = 0
    is_gone: bool = False
    held: bytes = b""  # a batch too large for its pipe while it is at work


class Pool:
    """Workers are forked: they share the index, the claims and the slots without a copy."""

    def __init__(self, means: WorkerMeans, *, workers: int, slots: int) -> None:
        self._workers: list[Worker] = []
        self._by_descriptor: dict[int, Worker] = {}
        self._poll = select.poll()
        self.slots = Slots(slots)
        try:
            with interrupts_held():
                try:
                    for _ in range(workers):
                        self._workers.append(self._forked(means))
                finally:
                    self.slots.stay_in_parent()
                for each in self._workers:
                    self._by_descriptor[each.results.fileno()] = each
                    self._poll.register(each.results, select.POLLIN)
        except BaseException:
            self._give_up()
            raise

    def idle(self) -> Iterator[Worker]:
        """Yield workers that can take another batch, the least busy first."""
        for each in self._workers:
            if each.held and each.ahead == 1:
                self._write(each, each.held)
                each.held = b""
        for each in sorted(self._workers, key=lambda each: each.ahead):
            if each.ahead < _AHEAD:
                yield each

    def send(self, to: Worker, batch: list[Task]) -> None:
        to.ahead += 1
        content = encode(batch)
        if to.ahead > 1 and len(content) > _PIPE_BYTES:
            # It may be writing a long answer, which we read only after this: both would wait.
            to.held = content
            return
        self._write(to, content)

    def _write(self, to: Worker, content: bytes) -> None:
        try:
            to.tasks.send_bytes(content)
        except (BrokenPipeError, OSError) as err:
            raise WorkerDied(reason=_cause(to)) from err

    def receive(self, timeout: float) -> Iterator[tuple[Worker, list[Result]]]:
        """Yield what workers have answered, waiting a little where none has."""
        for descriptor, _event in self._poll.poll(timeout * 1000):
            sender = self._by_descriptor[descriptor]
            try:
                yield sender, decode_results(sender.results.recv_bytes())
            except EOFError as err:
                raise WorkerDied(reason=_cause(sender)) from err

    def dismiss(self, done: Worker) -> None:
        """A worker has said its last word."""
        os.waitpid(done.pid, 0)
        done.is_gone = True
        self._poll.unregister(done.results)
        self._workers.remove(done)
        _close(done)

    def __len__(self) -> int:
        return len(self._workers)

    def kill(self) -> None:
        for each in self._workers:
            # A number that was waited for may be another process's by now.
            if not each.is_gone:
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(each.pid, signal.SIGKILL)
                    os.waitpid(each.pid, 0)
                each.is_gone = True
            _close(each)
        self._workers = []

    def close(self) -> None:
        """Give the slots up; only when no upload uses them any more."""
        self._give_up()

    def _give_up(self) -> None:
        self.kill()
        self.slots.close()

    def _forked(self, means: WorkerMeans) -> Worker:
        task_out, task_in = open_pipe()
        result_out, result_in = open_pipe()
        # An answer that fits in its pipe lets the worker go on before it is read. The usual
        # limit for all who are not root; where it is lower, the pipe stays as it is.
        with contextlib.suppress(OSError):
            fcntl.fcntl(result_in.fileno(), fcntl.F_SETPIPE_SZ, MIB)
        pid = fork(lambda: self._child(means, (task_out, task_in), (result_out, result_in)))
        task_out.close()
        result_in.close()
        return Worker(pid, task_in, result_out)

    def _child(
        self,
        means: WorkerMeans,
        tasks: tuple[Connection, Connection],
        results: tuple[Connection, Connection],
    ) -> None:
        # Our copies of the parent's ends would keep a pipe open that should break.
        for ours in (tasks[1], results[0]):
            ours.close()
        self.slots.stay_in_worker()
        for elder in self._workers:
            _close(elder)
        worker.run(means, self.slots, tasks[0], results[1])


def _close(each: Worker) -> None:
    each.tasks.close()
    each.results.close()


def _cause(died: Worker) -> str:
    died.is_gone = True
    return end_of(died.pid)
