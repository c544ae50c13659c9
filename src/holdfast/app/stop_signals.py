"""Commands that go on until they are told to end: a signal closes a latch."""

import contextlib
import signal
from collections.abc import Iterator

from holdfast.base.latch import Latch

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[Latch]:
    """A latch that signals close, instead of ending the process with its work half undone."""
    stop = Latch()
    before = {number: signal.getsignal(number) for number in _ENDING}
    # Under nohup a hang-up is ignored, and stays so.
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    try:
        for number in before:
            signal.signal(number, lambda _number, _frame: stop.set())
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
