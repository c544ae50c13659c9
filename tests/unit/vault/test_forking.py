"""Work shared over processes: every item once, errors come home, the dead are noticed."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.storage.errors import FileMissing
from holdfast.vault.forking import WorkerDied, ahead, forked


def squares(items: Iterator[int]) -> Iterator[tuple[int, int]]:
    for item in items:
        yield item, item * item


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_item_is_worked_on_once(workers: int) -> None:
    found = list(forked(range(1000), squares, workers=workers))

    assert sorted(found) == [(n, n * n) for n in range(1000)]


def test_nothing_to_do_starts_nobody() -> None:
    assert list(forked([], squares, workers=4)) == []


def test_the_work_is_done_elsewhere() -> None:
    def pids(items: Iterator[int]) -> Iterator[int]:
        yield from (os.getpid() for _ in items)

    assert os.getpid() not in set(forked(range(100), pids, workers=2))


def test_an_error_of_ours_comes_home_with_its_fields() -> None:
    def fails(items: Iterator[int]) -> Iterator[int]:
        yield next(items)
        raise FileMissing(place="there", name="it")

    with pytest.raises(FileMissing, match="there has no file it"):
        list(forked(range(100), fails, workers=2))


def test_a_mistake_comes_home_with_its_trace() -> None:
    def fails(items: Iterator[int]) -> Iterator[int]:
        yield 1 // (next(items) * 0)

    with pytest.raises(ZeroDivisionError) as caught:
        list(forked(range(100), fails, workers=2))

    assert "in fails" in caught.value.__notes__[0]


def test_a_killed_worker_is_noticed() -> None:
    def dies(items: Iterator[int]) -> Iterator[int]:
        yield next(items)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(WorkerDied, match="signal 9"):
        list(forked(range(100), dies, workers=2))


def children() -> set[str]:
    """Other tests of this process may have left servers running; those are none of ours."""
    listing = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    return set(listing.split())


def test_an_interruption_of_the_group_is_left_to_the_parent() -> None:
    def interrupted(items: Iterator[int]) -> Iterator[int]:
        for item in items:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number)
            yield item

    assert sorted(forked(range(20), interrupted, workers=2)) == list(range(20))


def test_leaving_early_leaves_no_process_behind() -> None:
    before = children()
    results = forked(range(10_000), squares, workers=2)
    next(results)

    results.close()  # type: ignore[attr-defined]  # it is a generator

    assert children() <= before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_one_is_forked_leaves_no_process_behind(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    before, known = children(), signal.signal(number, signal.default_int_handler)
    interrupt_at_the_second_fork(monkeypatch, number)

    with pytest.raises(KeyboardInterrupt):
        list(forked(range(10_000), squares, workers=3))
    signal.signal(number, known)

    assert children() <= before


def interrupt_at_the_second_fork(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """It comes when the child is there, and before anybody can know its number."""
    made, fork = list[int](), os.fork

    def interrupted() -> int:
        pid = fork()
        made.append(pid)
        if pid and len(made) == 2:  # the parent's second
            os.kill(os.getpid(), number)
        return pid

    monkeypatch.setattr(os, "fork", interrupted)


def test_calls_ahead_keep_their_order_and_their_errors() -> None:
    def call(item: int) -> int:
        if item == 3:
            raise ValueError(item)
        return -item

    found = list(ahead(range(6), call, parallel=2))

    assert [item for item, _ in found] == list(range(6))
    assert [f.result() for item, f in found if item != 3] == [0, -1, -2, -4, -5]
    assert isinstance(found[3][1].exception(), ValueError)
