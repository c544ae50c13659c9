"""What many ask for at once is worked out once, and nobody waits for what they need not."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from holdfast.app.control.kept import LIFE, Kept
from holdfast.app.control.plane import Plane
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import make_plane

PATIENCE = 90
SECONDS = LIFE.total_seconds()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Iterator[Plane]:
    made = make_plane(tmp_path, clock=clock)
    yield made
    made.database.close()


def test_it_is_given_again_until_it_is_too_old(plane: Plane, clock: FakeClock) -> None:
    kept, numbers = Kept[int](), count()

    def ask() -> int:
        return kept.get(plane, "key", lambda: next(numbers))

    first, again = ask(), ask()
    clock.sleep(SECONDS)

    assert (first, again, ask()) == (0, 0, 1)


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_that_is_set_makes_it_too_old(plane: Plane, clock: FakeClock, days: int) -> None:
    kept, numbers = Kept[int](), count()
    kept.get(plane, "key", lambda: next(numbers))

    clock.jump(timedelta(days=days))

    assert kept.get(plane, "key", lambda: next(numbers)) == 1


def test_each_key_has_its_own(plane: Plane) -> None:
    kept = Kept[str]()

    found = [kept.get(plane, key, lambda key=key: key) for key in ("one", "two", "one")]  # type: ignore[misc]

    assert found == ["one", "two", "one"]


def test_whoever_asks_while_it_is_worked_out_gets_the_one_before(
    plane: Plane, clock: FakeClock
) -> None:
    kept, begun, may_end = Kept[str](), threading.Event(), threading.Event()
    kept.get(plane, "key", lambda: "old")
    clock.sleep(SECONDS)

    def slowly() -> str:
        begun.set()
        assert may_end.wait(PATIENCE)
        return "new"

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(kept.get, plane, "key", slowly)
        assert begun.wait(PATIENCE)
        meanwhile = kept.get(plane, "key", lambda: "never asked for")
        may_end.set()
        told = working.result(PATIENCE)

    assert (meanwhile, told) == ("old", "new")
    assert kept.get(plane, "key", lambda: "never asked for") == "new"


def test_what_goes_wrong_is_not_kept(plane: Plane) -> None:
    kept = Kept[int]()

    def fail() -> int:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        kept.get(plane, "key", fail)

    assert kept.get(plane, "key", lambda: 7) == 7


def test_of_many_kinds_of_readers_the_last_ones_are_remembered(plane: Plane) -> None:
    kept, asked = Kept[int](), list[int]()

    def note(key: int) -> int:
        asked.append(key)
        return key

    for key in (*range(100), 99, 0):
        kept.get(plane, key, lambda key=key: note(key))  # type: ignore[misc]

    assert asked == [*range(100), 0]
