"""Runs a function in a process of its own, so that the bench itself stays small.

A child's peak memory as the kernel counts it starts at its parent's size: a bench that had
listed 100 000 files itself would charge them to everyone it measures.
"""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def aside(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call the function in a new process; return its result or raise its error here."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(theirs, function, args, kwargs))
    child.start()
    theirs.close()
    try:
        result: R
        result, error = ours.recv()
    finally:
        child.join()
        ours.close()
    if error is not None:
        raise error
    return result


def _work(
    answer: Connection, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    try:
        answer.send((function(*args, **kwargs), None))
    except Exception as err:
        answer.send((None, err))
