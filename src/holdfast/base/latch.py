"""A latch that a signal handler may close.

threading.Event is not for that: a handler that interrupts the very thread that holds the event's
lock waits for itself, and the program no longer ends. SimpleQueue was made to be put into anywhere.
"""

from queue import SimpleQueue


class Latch:
    def __init__(self) -> None:
        self._is_set = False
        self._word: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        self._is_set = True
        self._word.put(None)

    def is_set(self) -> bool:
        return self._is_set

    def wait(self) -> None:
        """Returns once it is set, in every thread that waits."""
        if not self._is_set:
            self._word.get()
            self._word.put(None)
