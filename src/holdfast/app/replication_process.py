"""The two processes of replication on a host: at most one of each, whoever starts it.

A lock says that one is at work; the kernel frees it however that process ends.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from holdfast.app.file_locks import is_locked, try_lock
from holdfast.app.replication_errors import ReplicationRuns


class Work(StrEnum):
    """By the name of its command."""

    # Replicates the machines of this host.
    RUN = "run"
    # Takes replicas in.
    SERVE = "serve"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    pid: int
    # Started by an agent, which ends it when it ends itself; not by a person.
    is_agents: bool = False


def lock_file(home: str, work: Work) -> str:
    return os.path.join(home, f"replication-{work}.lock")


@contextlib.contextmanager
def alone(home: str, work: Work, *, is_agents: bool = False) -> Iterator[None]:
    os.makedirs(home, 0o700, exist_ok=True)
    descriptor = os.open(lock_file(home, work), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(descriptor):
            found = _said(descriptor)
            raise ReplicationRuns(work=work.value, pid=found.pid if found else "?")
        said = {"pid": os.getpid(), "is_agents": is_agents}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(said).encode(), 0)
        yield
    finally:
        # The file stays: whoever removed it could remove another one's lock.
        os.close(descriptor)


def at_work(home: str, work: Work) -> AtWork | None:
    """The process that does it now."""
    file = lock_file(home, work)
    try:
        if not is_locked(file):
            return None
        probe = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # It has the lock and may not have said who it is yet.
        return _said(probe) or AtWork(pid=0)
    finally:
        os.close(probe)


def _said(descriptor: int) -> AtWork | None:
    with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
        return AtWork(**json.loads(os.pread(descriptor, 4096, 0)))
    return None
