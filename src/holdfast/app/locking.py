"""Hold a lock while working, renewed by a thread of its own."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec

from holdfast.vault.held_lock import HeldLock
from holdfast.vault.lock_file import Lock
from holdfast.vault.locks import Locks
from holdfast.vault.repository import Repository

# Often enough to notice soon that the machine has slept.
_LOOK_EVERY = 10.0


def _silent(_: Lock) -> None:
    """Tell nobody."""


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait for a vault that others hold, and whom to tell meanwhile."""

    wait: timedelta = timedelta(0)
    waiting: Callable[[Lock], None] = _silent


def locks_of(repository: Repository) -> Locks:
    return Locks(repository.files, identity=repository.identity, clock=repository.clock)


@contextlib.contextmanager
def held(
    repository: Repository,
    *,
    exclusive: bool = False,
    wait: timedelta = timedelta(0),
    waiting: Callable[[Lock], None] = _silent,
    beside: HeldLock | None = None,
    settle_later: bool = False,
) -> Iterator[HeldLock]:
    """Work under a lock; call its `check()` before everything that cannot be undone.

    `waiting` is called every few seconds with the lock we wait for. `beside` is a lock this
    process holds already and that is not in the way. With `settle_later` the work begins at once and
    the first `check()` waits until the lock is certain. An index read before the lock was taken is
    forgotten: somebody may have pruned since, and a backup would rely on blobs that are gone.
    """
    lock = locks_of(repository).acquire(
        exclusive=exclusive,
        wait=wait,
        waiting=waiting,
        beside=beside,
        settle_later=settle_later,
    )
    try:
        with _tended(lock):
            if beside is None:
                repository.forget_index()
            yield lock
    finally:
        lock.release()


@contextlib.contextmanager
def _tended(lock: HeldLock) -> Iterator[None]:
    ended = threading.Event()
    tender = threading.Thread(target=_tend, args=(lock, ended), name="holdfast-lock", daemon=True)
    try:
        tender.start()
        yield
    finally:
        ended.set()
        if tender.ident is not None:
            tender.join()


def _tend(lock: HeldLock, ended: threading.Event) -> None:
    while not ended.wait(_LOOK_EVERY):
        lock.tend()
