"""Ends a backup before its scratch files fill their file system: QEMU would pause the guest."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Self

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB, format_size
from holdfast.hypervisor.backup_jobs import end_backup
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.events import EventKind, Subscription, subscribe
from holdfast.machines.adopting import resume_if_stuck
from holdfast.machines.backup_errors import VmScratchFull
from holdfast.machines.scratch_place import ScratchPlace

_EVERY_SECONDS = 1.0
_LEAST_FREE = 512 * MIB
_LEAST_SHARE = 20  # a twentieth


def reserve_of(whole: int) -> int:
    """What stays free of a file system of this size."""
    return max(_LEAST_FREE, whole // _LEAST_SHARE)


def kept_free(free: int, reserve: int, share: float) -> int:
    """What must stay free, of what was free when the job began, if it may take that share."""
    return max(reserve, round(free * (1 - share)))


def share_of(used: int, free: int) -> float:
    """Of the room there is for scratch files, how much they take."""
    return used / (used + free) if used + free > 0 else 0.0


class ScratchGuard:
    """Watches from before the job begins; what it ended the job for is its `error`."""

    def __init__(
        self,
        domain: Domain,
        place: ScratchPlace,
        clock: Clock,
        *,
        reserve: int | None = None,
        share: float = 1.0,
    ) -> None:
        self._domain = domain
        self._place = place
        self._clock = clock
        least = reserve_of(place.whole) if reserve is None else reserve
        self._reserve = kept_free(place.free, least, share)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="scratch-guard", daemon=True)
        self.error: VmScratchFull | None = None
        self._events: Subscription | None = None

    def __enter__(self) -> Self:
        if self._is_low():
            raise self._full()
        self._events = subscribe(
            self._domain.host, EventKind.IO_ERROR, EventKind.HOST_LOST, domain=self._domain
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._events is not None:
            self._events.close()

    def stop(self) -> None:
        """When the job is over there is nothing to end; how much room there is can still be asked."""
        self._is_over.set()
        if self._events is not None:
            self._events.interrupt()
        self._thread.join()

    def room(self) -> int:
        """How much may be taken from the file system before the backup is ended."""
        return max(0, self._place.free - self._reserve)

    def _watch(self) -> None:
        while not self._is_over.is_set():
            # A daemon that is gone for a while is no reason to stop watching.
            with contextlib.suppress(HoldfastError, OSError):
                if self._is_low() or self._domain.standing().is_stuck_on_io:
                    self._end()
                    return
            self._pause()

    def _pause(self) -> None:
        """At most a second; an I/O error or the end of the block ends it at once."""
        assert self._events is not None
        self._events.next(within=_EVERY_SECONDS)

    def _end(self) -> None:
        self.error = self._full()
        with contextlib.suppress(HoldfastError):
            end_backup(self._domain, self._clock)
        resume_if_stuck(self._domain)

    def _is_low(self) -> bool:
        return self._place.free < self._reserve

    def _full(self) -> VmScratchFull:
        free = format_size(self._place.free)
        return VmScratchFull(about=self._domain.name, folder=self._place.folder, free=free)


@contextlib.contextmanager
def guarded(
    domain: Domain,
    place: ScratchPlace,
    clock: Clock,
    *,
    reserve: int | None,
    share: float = 1.0,
) -> Iterator[ScratchGuard]:
    """What it ended the job for is the error, and not that something broke off."""
    with ScratchGuard(domain, place, clock, reserve=reserve, share=share) as guard:
        try:
            yield guard
        except HoldfastError as err:
            if guard.error is not None:
                raise guard.error from err
            raise
