"""Beside a migration: when the guest stood still, and whether the site still wants it."""

import threading
from collections.abc import Callable
from typing import Self

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.migrating import stop_migration
from holdfast.hypervisor.states import State

_LOOK = 0.025
_DAEMON_AWAY = 1.0


class Watch:
    def __init__(self, domain: Domain, clock: Clock, is_wanted: Callable[[], bool]) -> None:
        self._domain, self._clock, self._is_wanted = domain, clock, is_wanted
        self._is_over = threading.Event()
        self._ran_at = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name="watch-migration", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def stood_seconds(self) -> float:
        """Since it was last seen running; at most a look too much."""
        return self._clock.monotonic() - self._ran_at

    def _run(self) -> None:
        while not self._is_over.wait(_LOOK):
            try:
                if self._domain.standing().state is State.RUNNING:
                    self._ran_at = self._clock.monotonic()
                    if not self._is_wanted():
                        stop_migration(self._domain)
            except HoldfastError:
                self._is_over.wait(_DAEMON_AWAY)
