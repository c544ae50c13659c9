"""What a site does at once: threads for what is quick, for what is heavy, and for what takes hours.

An apply that is asked for again, because the first answer was lost with its connection, is not
done again: whoever asks waits for the one that is under way.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from holdfast.base.clock import Clock
from holdfast.replication.link_requests import Effort

_THREADS = {Effort.QUICK: 16, Effort.HEAVY: 8, Effort.LONG: 4}
_LOOK = 0.05

Then = Callable[["Future[Any]"], None]


class Works:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[object, Future[Any]] = {}
        self._count = 0
        self._pools = {
            effort: ThreadPoolExecutor(count, f"site-{effort.value}")
            for effort, count in _THREADS.items()
        }

    def begin(
        self, effort: Effort, job: Callable[[], Any], then: Then, *, key: object = None
    ) -> None:
        """`then` is told in whichever thread; jobs of one key that is not None are done once."""
        with self._lock:
            future = self._under_way.get(key) if key is not None else None
            is_new = future is None
            if future is None:
                future = self._pools[effort].submit(job)
                # The job may have begun already; who asks whether it has waits for the lock.
                self._count += 1
                if key is not None:
                    self._under_way[key] = future
        if is_new:
            future.add_done_callback(lambda _done: self._ended(key))
        future.add_done_callback(then)

    def _ended(self, key: object) -> None:
        with self._lock:
            self._count -= 1
            if key is not None:
                self._under_way.pop(key, None)

    def wait_until_idle(self, clock: Clock, patience: float) -> bool:
        deadline = clock.monotonic() + patience
        while self._is_busy():
            if clock.monotonic() >= deadline:
                return False
            clock.sleep(_LOOK)
        return True

    def _is_busy(self) -> bool:
        with self._lock:
            return self._count > 0

    def close(self) -> None:
        """What has not begun never does."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
