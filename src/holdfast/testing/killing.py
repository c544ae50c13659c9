"""Backups in processes of their own, to be killed at one call of the storage or at any instant."""

import contextlib
import itertools
import os
import select
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeVar

from holdfast.app import locking
from holdfast.base.clock import Clock, SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.files.backup.job import BackupJob, back_up
from holdfast.files.options import BackupOptions
from holdfast.files.report import BackupReport
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.protocol import Content, Entry, Storage
from holdfast.testing.vaults import identity, open_vault
from holdfast.testing.waiting import wait_until

INTERRUPTED = "interrupted"
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CHILDREN_LEFT = " and left children"
_PATIENCE = 90.0
_T = TypeVar("_T")


class HastyClock(SystemClock):
    """The real time, but nobody ever waits."""

    def sleep(self, seconds: float) -> None:
        """Come back at once."""


def back_up_under_lock(
    storage: Storage, source: Path, *, cache: Path | None = None, clock: Clock | None = None
) -> BackupReport:
    """What the command does: open, lock, back up."""
    vault = open_vault(
        storage, clock=clock or HastyClock(), who=replace(identity(), pid=os.getpid())
    )
    vault.cache = str(cache) if cache else None
    options = BackupOptions(paths=(os.fsencode(source),), host="alpha", workers=2)
    with locking.held(vault) as lock:
        return back_up(BackupJob(repository=vault, options=options, still_ours=lock.check))


class When(Enum):
    """On which side of a call the fault is; `TORN` puts half of the content first."""

    BEFORE = "before"
    AFTER = "after"
    TORN = "torn"


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyStorage(ForwardingStorage):
    """Passes calls on, and acts at the one with a number from 1: kills its process, or raises.

    With number 0 it only writes down the calls.
    """

    def __init__(
        self,
        inner: Storage,
        *,
        call: int = 0,
        when: When = When.BEFORE,
        act: Callable[[], None] = kill_this_process,
    ) -> None:
        super().__init__(inner)
        self._call = call
        self._when = when
        self._act = act
        self._numbers = itertools.count(1)
        self._process = 0  # that of the first call
        self.names: list[str] = []

    def put(self, name: str, content: Content) -> None:
        half = memoryview(content)[: len(content) // 2]
        self._run(
            f"put {name}",
            lambda: self._inner.put(name, content),
            torn=lambda: self._inner.put(name, half),
        )

    def get(self, name: str) -> bytes:
        return self._run(f"get {name}", lambda: self._inner.get(name))

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self._run(f"read {name}", lambda: self._inner.read(name, offset, length))

    def size(self, name: str) -> int:
        return self._run(f"size {name}", lambda: self._inner.size(name))

    def list(self, folder: str) -> Iterator[Entry]:
        return iter(self._run(f"list {folder}", lambda: list(self._inner.list(folder))))

    def delete(self, name: str) -> None:
        self._run(f"delete {name}", lambda: self._inner.delete(name))

    def _run(
        self, name: str, call: Callable[[], _T], *, torn: Callable[[], _T] | None = None
    ) -> _T:
        # Workers inherit the count and make calls of their own: those are not what is counted.
        self._process = self._process or os.getpid()
        is_last = os.getpid() == self._process and next(self._numbers) == self._call
        self.names.append(name)
        if not is_last:
            return call()
        if self._when is When.BEFORE:
            self._act()
        done = torn() if torn and self._when is When.TORN else call()
        if self._when is not When.BEFORE:
            self._act()
        return done


@dataclass(frozen=True, slots=True)
class Child:
    """A forked process in a session of its own; it says one word when its work is done."""

    pid: int
    _said: int

    def workers(self) -> list[int]:
        return children_of(self.pid)

    def said_within(self, seconds: float) -> bool:
        """Wait that long, unless it is done or dead before."""
        return bool(select.select([self._said], [], [], seconds)[0])

    def kill(self, number: signal.Signals = signal.SIGKILL, *, group: bool = False) -> None:
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)

    def end(self) -> str:
        """What it said; nothing if it was killed."""
        if not self.said_within(_PATIENCE):
            self.kill(group=True)
            os.waitpid(self.pid, 0)
            raise TimeoutError(f"process {self.pid} hangs")
        word = os.read(self._said, 65536).decode()
        os.close(self._said)
        os.waitpid(self.pid, 0)
        return word


def start(work: Callable[[], str]) -> Child:
    """Run in a child; its word is what `work` returns, or the code of the error it met."""
    said, tell = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    with warnings.catch_warnings():
        # Test runners have threads; a child of ours takes none of their locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            os.close(said)
            os.setsid()
            word = _outcome(work)
            os.write(tell, (word + CHILDREN_LEFT if has_children() else word).encode())
        finally:
            os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(tell)
    return Child(pid, said)


def _outcome(work: Callable[[], str]) -> str:
    """Interrupts reach the work alone, and never the test runner this is a copy of."""
    word = ""
    for number in _INTERRUPTS:
        signal.signal(number, signal.default_int_handler)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
        word = work()
        signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    except KeyboardInterrupt:
        return word or INTERRUPTED
    except HoldfastError as err:
        return f"{err.code}: {err}"
    except BaseException:
        return f"crashed: {traceback.format_exc()}"
    return word


def children_of(pid: int) -> list[int]:
    """The children a process has now; none when it is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            # A thread may end meanwhile; the children of the others are there all the same.
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{pid}/task/{task}/children").read_text()
                found += map(int, children.split())
    return found


def freeze(pid: int) -> bool:
    """Stop a whole process group where it is; False: its leader was at its end already."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGSTOP)
    wait_until(lambda: _states(pid, *children_of(pid)) <= {"T", "Z", "X"})
    return _states(pid) == {"T"}


def _states(*pids: int) -> set[str]:
    """What all their threads are doing, as the kernel abbreviates it."""
    found = set()
    for pid in pids:
        for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                # Behind the name, which may hold anything.
                found.add(stat.read_text().rpartition(")")[2].split()[0])
    return found


def has_children() -> bool:
    """Whether this process has children left, dead or alive."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def ends_within(pid: int, seconds: float) -> bool:
    """Whether a process, ours or not, comes to its end in time."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)
