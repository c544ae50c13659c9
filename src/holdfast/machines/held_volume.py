"""A volume that stays mounted between looks, so that the next part of a file takes no time."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

_T = TypeVar("_T")
Look = Callable[[Path], _T]
# Kernels before 6.7 mount no second copy of a btrfs: what nobody reads is not held up for long.
IDLE = 15.0


class HeldVolume:
    """Whoever holds it looks from one thread; it has one of its own, for mounts are a thread's."""

    def __init__(
        self, opening: Callable[[], AbstractContextManager[Path]], *, idle: float = IDLE
    ) -> None:
        self._opening, self._idle = opening, idle
        self._looks: queue.SimpleQueue[tuple[Look[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_over = False
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._hold, args=(opened,))
        self._thread.start()
        opened.result()

    def look(self, look: Look[_T]) -> Future[_T] | None:
        """None: it is not mounted any more, for nobody has looked for a while."""
        done: Future[_T] = Future()
        with self._lock:
            if self._is_over:
                return None
            self._looks.put((look, done))
        return done

    @property
    def is_over(self) -> bool:
        return self._is_over

    def close(self) -> None:
        """It is not mounted afterwards."""
        self._looks.put(None)
        self._thread.join()

    def _hold(self, opened: "Future[None]") -> None:
        try:
            with self._opening() as root:
                opened.set_result(None)
                while (wanted := self._next()) is not None:
                    _do(*wanted, root)
        except BaseException as err:
            # Whoever waits is told; what happens when it is taken down concerns nobody any more.
            if opened.done():
                raise
            opened.set_exception(err)

    def _next(self) -> tuple[Look[Any], "Future[Any]"] | None:
        try:
            wanted = self._looks.get(timeout=self._idle)
        except queue.Empty:
            wanted = None
        with self._lock:
            if wanted is None and not self._looks.empty():
                # It came at the last moment.
                wanted = self._looks.get_nowait()
            self._is_over = wanted is None
        return wanted


def _do(look: Look[_T], done: "Future[_T]", root: Path) -> None:
    try:
        done.set_result(look(root))
    except BaseException as err:
        done.set_exception(err)
