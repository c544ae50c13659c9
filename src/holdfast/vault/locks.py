"""Take, renew and give back locks as restic does, without tripping over those of the dead.

A lock is a file; nothing in a store can lock. So one looks, writes one's own, waits and looks
again: of two who write at the same moment, at least one sees the other and withdraws.
Where a listing shows at once what was written there is nothing to wait for. Each of two writes
before its second look. Who does not see the other's lock began to look before that was written, so
the other, who looks after writing, began later than our writing ended: it sees ours.
A lock that is renewed changes its name, and one look may miss both names; but then the new one was
there before that look ended, and two renewals do not fall into one taking of a lock.
Locks of processes that provably ended are removed on the way; see policy.lock_verdict.
"""

import contextlib
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import NamedTuple

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, LockId
from holdfast.storage.errors import FileMissing
from holdfast.vault.errors import EnvelopeBroken, FileUnreadable, VaultLocked
from holdfast.vault.held_lock import HeldLock
from holdfast.vault.identity import Identity
from holdfast.vault.layout import LOCKS
from holdfast.vault.liveness import Machine
from holdfast.vault.lock_file import Lock, parse_lock
from holdfast.vault.policy.lock_verdict import Verdict, judge_lock
from holdfast.vault.sealed_files import SealedFiles

# restic's: long enough for a lock written elsewhere to show up in a listing.
_SETTLE = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0

Waiting = Callable[[Lock], None]


class Removed(NamedTuple):
    """What `remove_stale` did: `kept` are locks that may still have a living holder."""

    removed: int
    kept: list[Lock]


class _Blocker(NamedTuple):
    lock: Lock
    verdict: Verdict


def _silent(_: Lock) -> None:
    """Tell nobody."""


class Locks:
    """The locks of one repository."""

    def __init__(
        self,
        files: SealedFiles,
        *,
        identity: Identity,
        clock: Clock,
        machine: Machine | None = None,
    ) -> None:
        self._files = files
        self._identity = identity
        self._clock = clock
        self._machine = machine or Machine(identity.hostname)
        # When each lock was first seen, by the clock that never jumps.
        self._first_seen: dict[LockId, float] = {}

    def found(self) -> list[Lock]:
        """All locks that can be read, oldest first."""
        locks = [self._load(name) for name in self._names()]
        return sorted((lock for lock in locks if lock), key=lambda lock: lock.taken_at)

    def acquire(
        self,
        *,
        exclusive: bool = False,
        wait: timedelta = timedelta(0),
        waiting: Waiting = _silent,
        beside: HeldLock | None = None,
        settle_later: bool = False,
    ) -> HeldLock:
        """Take a lock, or VaultLocked when others still hold theirs after `wait`.

        With `settle_later` a second look that has to wait is left to the first `check` of the lock,
        which then may raise VaultLocked: for work that begins with reading and checks before it
        changes anything.

        `waiting` is told whom we wait for. `beside` is a lock of ours that is not in the way.
        A lock that is probably dead is watched to the end, even when `wait` is shorter.
        """
        deadline = self._clock.monotonic() + wait.total_seconds()
        pause, seen_by = _FIRST_PAUSE, -1.0
        while True:
            taken = self._try(exclusive, beside, settle_later=settle_later)
            if isinstance(taken, HeldLock):
                return taken
            now = self._clock.monotonic()
            left = deadline - now
            if left > 0 or seen_by < 0:
                seen_by = now
            if left <= 0 and not self._is_worth_watching(taken, seen_by):
                raise self._locked(taken.lock)
            waiting(taken.lock)
            import random

            # Two who withdrew before each other must not come back at the same moment again.
            some = pause * random.uniform(0.5, 1)  # noqa: S311  no secret
            self._clock.sleep(min(some, left) if left > 0 else some)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def remove_stale(self) -> Removed:
        """Remove locks whose holders provably ended, and files in the folder that are no locks.

        This never waits, so locks that would first have to be watched are kept.
        """
        removed, kept = 0, []
        for name in self._names():
            lock = self._load(name)
            if lock is None or self._judged(lock) is Verdict.DEAD:
                self._files.delete(LOCKS, name)
                removed += 1
            else:
                kept.append(lock)
        return Removed(removed, kept)

    def remove_all(self) -> int:
        """Remove every lock, also of those who are at work: for a person who knows better."""
        names = self._names()
        for name in names:
            self._files.delete(LOCKS, name)
        return len(names)

    def _try(
        self,
        exclusive: bool,  # noqa: FBT001  passed through
        beside: HeldLock | None,
        *,
        settle_later: bool,
    ) -> HeldLock | _Blocker:
        blocker = self._blocker(exclusive, [beside] if beside else [])
        if blocker is not None:
            return blocker
        lock = HeldLock.take(
            self._files,
            identity=self._identity,
            clock=self._clock,
            mark=self._machine.mark(self._identity.pid),
            exclusive=exclusive,
        )
        ours = [lock, beside] if beside else [lock]
        shows = self._files.storage.lists_at_once
        if settle_later and not shows:
            lock.look_again_with(self._second_look(exclusive, ours))
            return lock
        try:
            if not shows:
                self._clock.sleep(_SETTLE)
            blocker = self._blocker(exclusive, ours)
        except BaseException:
            lock.release()
            raise
        if blocker is not None:
            lock.release()
            return blocker
        return lock

    def _second_look(self, exclusive: bool, ours: Collection[HeldLock]) -> Callable[[], None]:  # noqa: FBT001  passed through
        due = self._clock.monotonic() + _SETTLE

        def look() -> None:
            self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            blocker = self._blocker(exclusive, ours)
            if blocker is not None:
                raise self._locked(blocker.lock)

        return look

    def _blocker(self, exclusive: bool, ours: Collection[HeldLock]) -> _Blocker | None:  # noqa: FBT001  passed through
        """The lock most in our way, after removing those of the dead."""
        found: list[_Blocker] = []
        with contextlib.ExitStack() as steady:
            mine = set[LockId]().union(*(steady.enter_context(lock.steady()) for lock in ours))
            names = [name for name in self._names() if name not in mine]
        self._forget_vanished(names)
        for name in names:
            lock = self._load(name)
            if lock is None:
                continue
            verdict = self._judged(lock)
            if verdict is Verdict.DEAD:
                # Also where it is not in our way: it would be in that of stock restic.
                with contextlib.suppress(HoldfastError):
                    self._files.delete(LOCKS, name)
            elif exclusive or lock.stored.exclusive:
                found.append(_Blocker(lock, verdict))
        # An honoured lock decides; watching the others would be in vain.
        found.sort(key=lambda blocker: blocker.verdict is Verdict.WATCH)
        return found[0] if found else None

    def _is_worth_watching(self, blocker: _Blocker, seen_by: float) -> bool:
        """Not a lock that was renewed while we looked: its holder lives, in another time."""
        return blocker.verdict is Verdict.WATCH and self._first_seen[blocker.lock.id] <= seen_by

    def _judged(self, lock: Lock) -> Verdict:
        now = self._clock.monotonic()
        unchanged = now - self._first_seen.setdefault(lock.id, now)
        return judge_lock(
            self._machine.process(lock),
            age=self._clock.now() - lock.taken_at,
            unchanged=timedelta(seconds=unchanged),
        )

    def _forget_vanished(self, names: Collection[LockId]) -> None:
        for name in self._first_seen.keys() - set(names):
            del self._first_seen[name]

    def _names(self) -> list[LockId]:
        return [LockId(name) for name in self._files.names(LOCKS)]

    def _load(self, name: LockId) -> Lock | None:
        """The lock, or None when it is gone, empty or cannot be read twice.

        A holder renews under a new name, so what is damaged now will not stay for long.
        """
        for attempt in range(2):
            try:
                return parse_lock(name, self._files.load(LOCKS, FileId(name)))
            except FileMissing:
                return None
            except (FileUnreadable, EnvelopeBroken):
                if not attempt:
                    self._clock.sleep(_SETTLE)
        return None

    def _locked(self, lock: Lock) -> HoldfastError:
        return VaultLocked(place=self._files.storage.place, holder=lock.holder, since=lock.taken_at)
