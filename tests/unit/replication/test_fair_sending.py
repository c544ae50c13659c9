"""Whose turn it is to send a piece."""

from collections import Counter
from dataclasses import dataclass

from holdfast.replication.fair_sending import FairTurns


@dataclass(eq=False)
class Log:
    vm: str
    priority: int = 0
    name: str = ""


def _turns(line: FairTurns[Log], count: int) -> list[str]:
    return [log.vm for _ in range(count) if (log := line.take()) is not None]


def test_machines_take_turns() -> None:
    line = FairTurns[Log]()
    for vm in "abc":
        line.add(Log(vm))

    turns = _turns(line, 9)

    assert turns == list("abcabcabc")


def test_a_machine_with_many_logs_gets_no_more_turns_than_another() -> None:
    line = FairTurns[Log]()
    for _ in range(10):
        line.add(Log("a"))
    line.add(Log("b"))

    counts = Counter(_turns(line, 20))

    assert counts == {"a": 10, "b": 10}


def test_logs_of_one_machine_go_one_after_the_other() -> None:
    line = FairTurns[Log]()
    first, second = Log("a", name="first"), Log("a", name="second")
    line.add(first)
    line.add(second)

    before = line.take()
    line.remove(first)
    after = line.take()

    assert (before, after) == (first, second)


def test_who_comes_later_waits_for_one_piece() -> None:
    line = FairTurns[Log]()
    line.add(Log("a"))
    line.add(Log("b"))
    _turns(line, 100)

    line.add(Log("c"))

    assert _turns(line, 4) == ["a", "c", "b", "a"]


def test_who_comes_again_and_again_does_not_crowd_the_others_out() -> None:
    line = FairTurns[Log]()
    line.add(Log("a"))
    line.add(Log("b"))
    turns: Counter[str] = Counter()
    for _ in range(90):
        small = Log("small")
        line.add(small)
        turns.update(_turns(line, 3))
        line.remove(small)

    assert turns == {"a": 90, "b": 90, "small": 90}


def test_greater_priority_goes_first_but_nobody_waits_for_ever() -> None:
    line = FairTurns[Log]()
    for vm, priority in (("a", 10), ("b", 10), ("c", 0), ("d", -5)):
        line.add(Log(vm, priority))

    counts = Counter(_turns(line, 800))

    assert counts["a"] == counts["b"] == 350
    assert counts["c"] == counts["d"] == 50


def test_one_priority_alone_has_all_turns() -> None:
    line = FairTurns[Log]()
    line.add(Log("a", -3))

    assert _turns(line, 16) == ["a"] * 16


def test_what_is_over_gets_no_turn() -> None:
    line = FairTurns[Log]()
    log = Log("a")
    line.add(log)
    line.remove(log)
    line.remove(log)

    assert line.take() is None
    assert not line
    assert len(line) == 0
