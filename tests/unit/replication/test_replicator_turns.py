"""Turns of machines: so many at once, who is more important first."""

import threading

from holdfast.replication.replicator_turns import TurnGate
from holdfast.testing.waiting import wait_until


def test_the_important_goes_first_and_no_more_than_allowed_at_once() -> None:
    gate, order, lock = TurnGate(1), list[int](), threading.Lock()

    def work(priority: int) -> None:
        with gate.turn(priority, gives_up=lambda: False), lock:
            order.append(priority)

    with gate.turn(gives_up=lambda: False):
        threads = [threading.Thread(target=work, args=(number,)) for number in (1, 3, 2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(gate.waiting) == 3)
    for thread in threads:
        thread.join()

    assert order == [3, 2, 1]


def test_who_gives_up_keeps_nobody() -> None:
    gate = TurnGate(1)

    with gate.turn(gives_up=lambda: False), gate.turn(9, gives_up=lambda: True) as mine:
        assert not mine

    with gate.turn(gives_up=lambda: False) as mine:
        assert mine
