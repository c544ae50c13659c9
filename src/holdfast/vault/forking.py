"""Share work out over forked processes, for work that would hold the interpreter's lock.

The children take numbers from one queue: an open file of consecutive numbers whose read offset
they share, read under a lock. So nobody feeds them and a slow one takes less.
"""

import contextlib
import fcntl
import gc
import os
import select
import signal
import struct
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_
from holdfast.vault.pipes import Connection, open_pipe

if TYPE_CHECKING:
    from concurrent.futures import Future

_T = TypeVar("_T")
_R = TypeVar("_R")
# Ctrl-C, a service manager's stop and a closed terminal reach all processes of a group. The parent
# hears them, and kills its children.
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NUMBER = struct.Struct("<I")


class _Sends(Protocol):
    def send(self, value: Any, /) -> None: ...


class WorkerDied(HoldfastError):
    code = "worker-died"
    sentence = N_("A worker process ended unexpectedly: {reason}")
    remedy = N_("Look for the out-of-memory killer in `dmesg`, then run the same command again.")
    retry = Retry.LATER


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
        with interrupts_held():
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
    from concurrent.futures import ThreadPoolExecutor  # brings half a dozen other modules

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
    while number := _next(queue):
        yield items[_NUMBER.unpack(number)[0]]


def _next(queue: int) -> bytes:
    # The kernel does not keep two readers of one memfd from reading the same bytes.
    fcntl.lockf(queue, fcntl.LOCK_EX)
    try:
        return os.read(queue, _NUMBER.size)
    finally:
        fcntl.lockf(queue, fcntl.LOCK_UN)


def _fork(
    queue: int,
    items: Sequence[_T],
    work: Callable[[Iterator[_T]], Iterator[_R]],
    others: list[Connection],
) -> tuple[Connection, int]:
    mine, theirs = open_pipe()

    def live() -> None:
        # A pipe ends only when nobody holds its other end any more.
        for other in (mine, *others):
            other.close()
        answer(work(_taken(queue, items)), theirs)

    child = fork(live)
    theirs.close()
    return mine, child


def fork(live: Callable[[], None]) -> int:
    """Start a child whose whole life is `live`, and give its number.

    Nothing of the parent's clean-up runs in it. The parent hears an interruption and decides what
    it means; the child ends with its pipe.
    """
    # In the child's first moment an interruption would unwind the parent's work there.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        with warnings.catch_warnings():
            # Newer Pythons warn of threads; ours hold no lock a child needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            _end_with(live)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Interrupts come before or after, so that no worker is left that nobody knows of.

    Handlers, not a mask: another thread would take the signal, and Python raises it in this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # it is never interrupted
        return
    held: list[int] = []
    before = {}
    try:
        for number in _INTERRUPTS:
            before[number] = signal.signal(number, lambda met, _frame: held.append(met))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for met in held:
            signal.raise_signal(met)


def _end_with(live: Callable[[], None]) -> NoReturn:
    status = 1
    try:
        # Nothing inherited will be freed here: not to touch it saves copies of its pages.
        gc.freeze()
        with contextlib.suppress(ValueError):  # forked by a thread: it hears no interruptions
            for number in _INTERRUPTS:
                signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
        live()
        status = 0
    finally:
        os._exit(status)


def answer(results: Iterator[object], connection: Connection) -> None:
    """Send each result, and at the end that there are no more, or what went wrong."""
    try:
        for result in results:
            connection.send((True, result))
        connection.send((False, None))
    except BrokenPipeError:
        pass
    except BaseException as err:
        send_error(connection, err)
        raise


def send_error(connection: _Sends, err: BaseException) -> None:
    """Tell the parent what went wrong, with the place where nobody expected it."""
    if not isinstance(err, HoldfastError):
        import traceback

        err.add_note(traceback.format_exc())
    with contextlib.suppress(Exception):
        connection.send((False, err))


def _received(children: dict[Connection, int]) -> Iterator[_R]:
    while children:
        for ready in ready_among(children):
            try:
                is_result, content = ready.recv()
            except EOFError as err:
                raise WorkerDied(reason=end_of(children.pop(ready))) from err
            if is_result:
                yield content
                continue
            end_of(children.pop(ready))
            ready.close()
            if content is not None:
                raise content


def ready_among(children: Iterable[Connection]) -> list[Connection]:
    """Those with something to read, or at their end."""
    waiting = {connection.fileno(): connection for connection in children}
    poll = select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    return [waiting[descriptor] for descriptor, _ in poll.poll()]


def end_of(child: int) -> str:
    """How a child ended; waits for it, which is short when its pipe has broken."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"
