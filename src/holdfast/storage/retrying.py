"""Tries again what may pass next time, and knows when its own write was the one that arrived."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError, Retry
from holdfast.storage.comparing import holds
from holdfast.storage.errors import FileExists
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.protocol import Content, Entry, Storage

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long; times in seconds."""

    tries: int = 7
    first: float = 1.0
    factor: float = 2.0
    longest: float = 30.0
    total: float = 300.0


DEFAULT_POLICY = RetryPolicy()


def next_delay(
    policy: RetryPolicy, *, retry: Retry, failures: int, elapsed: float, chance: float
) -> float | None:
    """Seconds to wait after this many failures in a row, None to give up.

    The wait is anything between zero and the step, by `chance` in [0, 1): clients that failed
    together must not come back together.
    """
    if retry is Retry.NEVER or failures >= policy.tries:
        return None
    if retry is Retry.NOW and failures == 1:
        return 0.0
    step = min(policy.longest, policy.first * policy.factor ** (failures - 1))
    delay = chance * step
    return delay if elapsed + delay <= policy.total else None


class RetryingStorage(ForwardingStorage):
    """A storage whose passing failures are waited out.

    `random` should be a SystemRandom where the process forks: children of one parent would
    otherwise all wait the same time.
    """

    def __init__(
        self,
        inner: Storage,
        clock: Clock,
        random: Random,
        *,
        policy: RetryPolicy = DEFAULT_POLICY,
    ) -> None:
        super().__init__(inner)
        self._clock = clock
        self._random = random
        self._policy = policy

    def put(self, name: str, content: Content) -> None:
        attempts = self._attempts("put", name)

        def once() -> None:
            try:
                self._inner.put(name, content)
            except FileExists:
                # After a failure whose request arrived, this "exists" may be our own work.
                if not attempts.failures or not holds(self, name, content):
                    raise

        attempts.until_done(once)

    def get(self, name: str) -> bytes:
        return self._attempts("get", name).until_done(lambda: self._inner.get(name))

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self._attempts("read", name).until_done(
            lambda: self._inner.read(name, offset, length)
        )

    def size(self, name: str) -> int:
        return self._attempts("size", name).until_done(lambda: self._inner.size(name))

    def delete(self, name: str) -> None:
        self._attempts("delete", name).until_done(lambda: self._inner.delete(name))

    def list(self, folder: str) -> Iterator[Entry]:
        attempts = self._attempts("list", folder)
        # A listing begun again must not repeat what was already handed out.
        handed_out: set[str] = set()
        while True:
            try:
                for entry in self._inner.list(folder):
                    if entry.name not in handed_out:
                        handed_out.add(entry.name)
                        attempts.succeeded()
                        yield entry
            except HoldfastError as err:
                attempts.failed(err)
            else:
                return

    def _attempts(self, call: str, name: str) -> "_Attempts":
        return _Attempts(self._clock, self._random, self._policy, what=(call, name))


class _Attempts:
    """One call's failures so far."""

    def __init__(
        self, clock: Clock, random: Random, policy: RetryPolicy, *, what: tuple[str, str]
    ) -> None:
        self._clock = clock
        self._random = random
        self._policy = policy
        self._what = what
        self.succeeded()

    def succeeded(self) -> None:
        self.failures = 0
        self._began = self._clock.monotonic()

    def until_done(self, call: Callable[[], _T]) -> _T:
        while True:
            try:
                return call()
            except HoldfastError as err:
                self.failed(err)

    def failed(self, err: HoldfastError) -> None:
        """Wait for the next attempt, or raise the error when there is none."""
        self.failures += 1
        delay = next_delay(
            self._policy,
            retry=err.retry,
            failures=self.failures,
            elapsed=self._clock.monotonic() - self._began,
            chance=self._random.random(),
        )
        if delay is None:
            raise err
        call, name = self._what
        _log.info(
            "storage call tried again",
            extra={"call": call, "file": name, "code": err.code, "delay": delay},
        )
        self._clock.sleep(delay)
