"""Pieces of logs on their way from a connection to the disk, in the order they came.

While one is written the next is received. A disk that stops for a while then stops neither the
beats of the connection nor what else is asked on it; memory is bounded by how many pieces wait.
"""

import threading
from collections import deque
from collections.abc import Callable

# With what is being received and what is being written, so many MiB of a connection at most.
MOST_WAITING = 6

Step = Callable[[], None]


class Taking:
    """`wake` is called whenever there is room again."""

    def __init__(self, wake: Step) -> None:
        self._wake = wake
        self._changed = threading.Condition()
        self._steps: deque[Step] = deque()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="site-taking")
        self._thread.start()

    @property
    def is_full(self) -> bool:
        return len(self._steps) >= MOST_WAITING

    def put(self, step: Step) -> None:
        """Done behind all that was put before; it must not raise."""
        with self._changed:
            self._steps.append(step)
            self._changed.notify()

    def close(self) -> None:
        """What waits is not done any more."""
        with self._changed:
            self._steps.clear()
            self._is_over = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (step := self._next()) is not None:
            if len(self._steps) == MOST_WAITING - 1:
                self._wake()
            step()

    def _next(self) -> Step | None:
        with self._changed:
            while not self._steps and not self._is_over:
                self._changed.wait()
            return self._steps.popleft() if self._steps else None
