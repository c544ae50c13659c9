"""What a site does at once, and what it writes behind its back."""

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.base.clock import SystemClock
from holdfast.replication.link_requests import Effort
from holdfast.replication.link_taking import MOST_WAITING, Taking
from holdfast.replication.link_works import Works
from holdfast.testing.waiting import wait_until

if TYPE_CHECKING:
    from concurrent.futures import Future


def test_what_is_heavy_does_not_keep_what_is_quick_waiting() -> None:
    works, may_end, done = Works(), threading.Event(), threading.Event()
    for _ in range(20):
        works.begin(Effort.HEAVY, may_end.wait, lambda _future: None)

    works.begin(Effort.QUICK, lambda: None, lambda _future: done.set())

    done.wait()
    may_end.set()
    assert works.wait_until_idle(SystemClock(), 90)
    works.close()


def test_a_job_of_one_key_is_done_once_and_everybody_hears_of_it() -> None:
    works, may_end = Works(), threading.Event()
    calls: list[str] = []
    heard: list[object] = []

    def job() -> str:
        calls.append("once")
        may_end.wait()
        return "done"

    def then(future: "Future[Any]") -> None:
        heard.append(future.result())

    for _ in range(5):
        works.begin(Effort.HEAVY, job, then, key="the same")
    may_end.set()

    wait_until(lambda: len(heard) == 5)
    assert calls == ["once"]
    assert heard == ["done"] * 5
    works.close()


def test_when_it_is_done_it_can_be_done_again() -> None:
    works = Works()
    calls: list[int] = []
    for _ in range(2):
        works.begin(Effort.HEAVY, lambda: calls.append(1), lambda _future: None, key="the same")
        assert works.wait_until_idle(SystemClock(), 90)

    assert calls == [1, 1]
    works.close()


def test_one_who_does_not_end_is_not_waited_for_for_ever() -> None:
    works, may_end = Works(), threading.Event()
    works.begin(Effort.LONG, may_end.wait, lambda _future: None)

    assert not works.wait_until_idle(SystemClock(), 0.1)

    may_end.set()
    works.close()


def _wait_for(event: threading.Event) -> None:
    event.wait()


def test_steps_are_taken_in_order_and_full_is_full() -> None:
    may_go, woken = threading.Event(), threading.Event()
    taken: list[int] = []
    taking = Taking(woken.set)
    taking.put(partial(_wait_for, may_go))
    for number in range(MOST_WAITING + 1):
        taking.put(partial(taken.append, number))

    was_full = taking.is_full
    may_go.set()

    wait_until(lambda: len(taken) == MOST_WAITING + 1)
    woken.wait()
    assert was_full
    assert taken == sorted(taken)
    assert not taking.is_full
    taking.close()


def test_what_waits_when_it_is_closed_is_not_done() -> None:
    begun, may_go = threading.Event(), threading.Event()
    taken: list[str] = []
    taking = Taking(lambda: None)

    def first() -> None:
        begun.set()
        may_go.wait()
        taken.append("first")

    taking.put(first)
    begun.wait()
    taking.put(lambda: taken.append("second"))
    closer = threading.Thread(target=taking.close)
    closer.start()
    wait_until(lambda: not taking._steps)
    may_go.set()
    closer.join()

    assert taken == ["first"]


def test_a_job_that_has_begun_is_under_way_whoever_asks_first() -> None:
    works, clock = Works(), SystemClock()
    found: list[bool] = []

    def job() -> None:
        found.append(works.wait_until_idle(clock, 0))

    for _ in range(200):
        works.begin(Effort.QUICK, job, lambda _future: None)

    assert works.wait_until_idle(clock, 90)
    assert found == [False] * 200
    works.close()
