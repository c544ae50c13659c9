"""Ask what may never answer, and wait for it no longer than said."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from holdfast.base.texts import _

_T = TypeVar("_T")


class Late(TimeoutError):
    """No answer came in time, which is not the same as one that says so."""


def within(seconds: float, ask: Callable[[], _T]) -> _T:
    """What it answers; after that time Late, as a call of the system would have raised it.

    Resolvers and file systems of a network cannot be called off: whoever waits for them goes on
    alone, and ends with the process at the latest.
    """
    answer = Future[_T]()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as err:
            answer.set_exception(err)

    threading.Thread(target=run, daemon=True).start()
    if wait([answer], timeout=seconds).not_done:
        raise Late(_("no answer within {seconds:g} seconds").format(seconds=seconds))
    return answer.result()
