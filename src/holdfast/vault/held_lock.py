"""A lock of ours: renewed in time, or given up for lost."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.ids import LockId
from holdfast.storage.errors import FileMissing
from holdfast.vault.errors import LockLost
from holdfast.vault.identity import Identity
from holdfast.vault.layout import LOCKS
from holdfast.vault.lock_file import LockFile, ProcessMark, encode_lock
from holdfast.vault.policy.lock_verdict import HOLDER_STOPS, RENEWED_EVERY
from holdfast.vault.sealed_files import SealedFiles


class HeldLock:
    """Somebody calls `tend` every few seconds, and the worker `check` before what cannot be undone.

    Two clocks measure the last renewal: the steady one does not run while the machine sleeps, the
    wall clock may jump. By the steady one we stop when it is too long ago; by the wall clock we
    only look whether others have removed our lock meanwhile.
    """

    def __init__(self, files: SealedFiles, clock: Clock, stored: LockFile, name: LockId) -> None:
        self._files = files
        self._clock = clock
        self._stored = stored
        self._name = name
        # Files of former renewals that could not be deleted yet.
        self._former: set[LockId] = set()
        self._turn = threading.RLock()
        self._note_renewal()
        self._is_lost = False
        self._is_released = False
        self._look_again: Callable[[], None] | None = None

    @classmethod
    def take(
        cls,
        files: SealedFiles,
        *,
        identity: Identity,
        clock: Clock,
        mark: ProcessMark | None,
        exclusive: bool,
    ) -> "HeldLock":
        """Write a lock, without looking at those of others."""
        stored = LockFile(
            time=clock.now().isoformat(),
            exclusive=exclusive,
            hostname=identity.hostname,
            username=identity.username,
            pid=identity.pid,
            uid=identity.uid,
            gid=identity.gid,
            holdfast=mark,
        )
        return cls(files, clock, stored, _save(files, stored))

    @property
    def exclusive(self) -> bool:
        return self._stored.exclusive

    @contextlib.contextmanager
    def steady(self) -> Iterator[frozenset[LockId]]:
        """The names of our files, which no renewal changes meanwhile."""
        with self._turn:
            yield frozenset({self._name, *self._former})

    def tend(self) -> None:
        """Renew when it is time; a storage that does not answer is asked again at the next call."""
        with self._turn:
            is_due = max(self._steady_age(), self._wall_age()) >= RENEWED_EVERY
            if is_due and not self._is_lost and not self._is_released:
                with contextlib.suppress(HoldfastError):
                    self._renew()

    def look_again_with(self, look: Callable[[], None]) -> None:
        """Have the second look, which taking a lock asks for, done by the first `check`."""
        self._look_again = look

    def check(self) -> None:
        """LockLost when others may have taken our lock for dead."""
        if self._look_again is not None:
            self._look_again()
            self._look_again = None
        is_late = self._steady_age() >= HOLDER_STOPS
        if self._wall_age() >= HOLDER_STOPS:
            self.tend()
        if self._is_lost or is_late:
            raise LockLost(place=self._files.storage.place, since=self._renewed_at)

    def release(self) -> None:
        """Remove the lock; a storage that fails now leaves a file that will be found dead."""
        with self._turn:
            self._is_released = True
            with contextlib.suppress(HoldfastError):
                self._former.add(self._name)
                self._delete_former()

    def _renew(self) -> None:
        if not self._exists():
            self._is_lost = True
            return
        stored = msgspec.structs.replace(self._stored, time=self._clock.now().isoformat())
        name = _save(self._files, stored)
        self._former.add(self._name)
        self._name = name
        self._note_renewal()
        self._delete_former()

    def _delete_former(self) -> None:
        for name in list(self._former):
            self._files.delete(LOCKS, name)
            self._former.discard(name)

    def _exists(self) -> bool:
        try:
            self._files.storage.size(f"{LOCKS}/{self._name}")
        except FileMissing:
            return False
        return True

    def _note_renewal(self) -> None:
        self._renewed_at: datetime = self._clock.now()
        self._renewed = self._clock.monotonic()

    def _steady_age(self) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - self._renewed)

    def _wall_age(self) -> timedelta:
        """Without sign: a clock that was set back is a jump as well."""
        return abs(self._clock.now() - self._renewed_at)

    def __repr__(self) -> str:
        return f"<{'exclusive' if self.exclusive else 'shared'} lock {self._name[:8]}>"


def _save(files: SealedFiles, stored: LockFile) -> LockId:
    return LockId(files.save(LOCKS, encode_lock(stored)))
