import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from holdfast.app.control.errors import NotLoggedIn, NotThere
from holdfast.console.visiting import told_once


def raised(turn: Callable[[], Coroutine[Any, Any, None]], times: int) -> list[str]:
    """What each turn raises, by its class; "" for none."""
    found = []
    for _turn in range(times):
        try:
            asyncio.run(turn())
        except Exception as err:
            found.append(type(err).__name__)
        else:
            found.append("")
    return found


def failing(*errors: Exception | None) -> Callable[[], None]:
    left = list(errors)

    def work() -> None:
        error = left.pop(0)
        if error:
            raise error

    return work


GONE = NotThere(what="machine", name="north")


def test_a_trouble_that_stays_is_told_once() -> None:
    turn = told_once(failing(GONE, GONE, GONE))

    assert raised(turn, 3) == ["NotThere", "", ""]


def test_another_trouble_is_told_and_so_is_the_same_that_comes_back() -> None:
    turn = told_once(failing(GONE, OSError(), None, OSError()))

    assert raised(turn, 4) == ["NotThere", "OSError", "", "OSError"]


def test_who_is_out_is_led_to_the_login_at_each_turn() -> None:
    turn = told_once(failing(NotLoggedIn(), NotLoggedIn()))

    assert raised(turn, 2) == ["NotLoggedIn", "NotLoggedIn"]


def test_work_that_waits_is_waited_for() -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("done")

    asyncio.run(told_once(work)())

    assert done == ["done"]
