"""One at a time changes a replica: among the threads of a process, and among processes."""

import contextlib
import fcntl
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.replication.replica_errors import ReplicaBusy

# As long as the merge of a large layer may take.
_PATIENCE = 600.0
_PAUSE = 0.05


class ReplicaLocks:
    """Of all replicas of a site, in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._threads: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._wanted: defaultdict[str, int] = defaultdict(int)

    @contextlib.contextmanager
    def held(self, vm: str, file: Path, *, patience: float = _PATIENCE) -> Iterator[None]:
        """Wait for it; the kernel frees it however this process ends."""
        with self._lock:
            lock = self._threads[vm]
            self._wanted[vm] += 1
        try:
            if not lock.acquire(timeout=patience):
                raise ReplicaBusy(vm=vm, seconds=round(patience))
        finally:
            with self._lock:
                self._wanted[vm] -= 1
        try:
            with self._of_process(vm, file, patience):
                yield
        finally:
            lock.release()

    def is_wanted(self, vm: str) -> bool:
        """Whether some thread waits for it: what is not urgent goes behind."""
        with self._lock:
            return self._wanted[vm] > 0

    @contextlib.contextmanager
    def _of_process(self, vm: str, file: Path, patience: float) -> Iterator[None]:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = self._clock.monotonic() + patience
            while not _locked(descriptor):
                if self._clock.monotonic() > deadline:
                    raise ReplicaBusy(vm=vm, seconds=round(patience))
                self._clock.sleep(_PAUSE)
            yield
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
