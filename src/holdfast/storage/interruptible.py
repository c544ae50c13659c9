"""Calls that a signal can end, although the library behind them does not listen to signals."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

_T = TypeVar("_T")


def interruptible(call: Callable[[], _T]) -> _T:
    """The result of the call; Ctrl-C does not wait for it.

    Python runs signal handlers in the main thread, between two steps of Python: a call that is
    gone into native code for a minute would delay them as long. The call left behind runs out in
    its own thread, which keeps no process alive.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    outcome: SimpleQueue[tuple[bool, _T | BaseException]] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put((True, call()))
        except BaseException as err:
            outcome.put((False, err))

    threading.Thread(target=run, name="storage call", daemon=True).start()
    done, result = outcome.get()
    if not done:
        assert isinstance(result, BaseException)
        raise result
    return result  # type: ignore[return-value]  # the flag says which of the two it is
