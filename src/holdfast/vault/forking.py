"""Share work out over forked processes, for work that would hold the interpreter's lock.

The children take numbers from one queue: an open file of consecutive numbers whose read offset
they share, which the kernel moves on atomically. So nobody feeds them and a slow one takes less.
"""

import contextlib
import gc
import os
import signal
import struct
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe, wait
from typing import NoReturn, TypeVar

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_

_T = TypeVar("_T")
_R = TypeVar("_R")
# They reach all processes of a group. The parent hears them, and kills its children.
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NUMBER = struct.Struct("<I")


class WorkerLost(HoldfastError):
    code = "worker-lost"
    sentence = N_("A worker process ended without an answer, with status {status}")
    remedy = N_("Look for an out-of-memory kill in `dmesg`, then run the same command again.")


def cores() -> int:
    """How many processes can work at once here."""
    return len(os.sched_getaffinity(0))


def forked(
    items: Sequence[_T], work: Callable[[Iterator[_T]], Iterator[_R]], *, workers: int
) -> Iterator[_R]:
    """What `work` yields for the items, each given to one of several processes, in any order.

    Runs here where one process is enough. Errors of the children are raised here.
    """
    workers = min(workers, len(items))
    if workers < 2:  # noqa: PLR2004  nothing to share
        yield from work(iter(items))
        return
    children: dict[Connection, int] = {}
    queue = _queue(len(items))
    try:
        for _ in range(workers):
            children.update([_fork(queue, items, work, list(children))])
        yield from _received(children)
    finally:
        os.close(queue)
        for connection, child in children.items():
            connection.close()
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def ahead(
    items: Iterable[_T], call: Callable[[_T], _R], *, parallel: int
) -> Iterator[tuple[_T, "Future[_R]"]]:
    """Make calls in threads, in order, at most so many before their results are taken."""
    with ThreadPoolExecutor(parallel) as pool:
        waiting: deque[tuple[_T, Future[_R]]] = deque()
        try:
            for item in items:
                waiting.append((item, pool.submit(call, item)))
                if len(waiting) > parallel:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for _, future in waiting:
                future.cancel()


def _queue(count: int) -> int:
    descriptor = os.memfd_create("holdfast-queue")
    with os.fdopen(os.dup(descriptor), "wb") as target:
        for start in range(0, count, 1 << 16):
            numbers = range(start, min(count, start + (1 << 16)))
            target.write(b"".join(map(_NUMBER.pack, numbers)))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _taken(queue: int, items: Sequence[_T]) -> Iterator[_T]:
    while number := os.read(queue, _NUMBER.size):
        yield items[_NUMBER.unpack(number)[0]]


def _fork(
    queue: int,
    items: Sequence[_T],
    work: Callable[[Iterator[_T]], Iterator[_R]],
    others: list[Connection],
) -> tuple[Connection, int]:
    mine, theirs = Pipe(duplex=False)
    # An interruption in the child's first moment would unwind the parent's work there.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        with warnings.catch_warnings():
            # Newer Pythons warn of threads; ours hold no lock a child needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            _live(lambda: work(_taken(queue, items)), theirs, inherited=(mine, *others))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return mine, child


def _live(
    work: Callable[[], Iterator[object]], connection: Connection, *, inherited: Sequence[Connection]
) -> NoReturn:
    """The whole life of a child; nothing of the parent's clean-up may run in it."""
    status = 1
    try:
        # A pipe ends only when nobody holds its other end any more.
        for other in inherited:
            other.close()
        gc.freeze()
        for number in _INTERRUPTS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
        for result in work():
            connection.send((True, result))
        connection.send((False, None))
        status = 0
    except BrokenPipeError:
        pass
    except BaseException as err:
        if not isinstance(err, HoldfastError):
            err.add_note(traceback.format_exc())
        with contextlib.suppress(Exception):
            connection.send((False, err))
    finally:
        os._exit(status)


def _received(children: dict[Connection, int]) -> Iterator[_R]:
    while children:
        for ready in wait(list(children)):
            assert isinstance(ready, Connection)
            try:
                is_result, content = ready.recv()
            except EOFError as err:
                raise WorkerLost(status=_status(children.pop(ready))) from err
            if is_result:
                yield content
                continue
            _status(children.pop(ready))
            ready.close()
            if content is not None:
                raise content


def _status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
