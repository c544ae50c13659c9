import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from nicegui import ui

from holdfast.app.control.errors import NotLoggedIn, NotThere
from holdfast.app.control.plane import Plane
from holdfast.app.control.sessions import log_out, who_am_i
from holdfast.console.visiting import Visit, told_once
from holdfast.testing.planes import add_admin, make_plane


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    return make_plane(tmp_path)


def visit_to(plane: Plane) -> Visit:
    ada = add_admin(plane)
    return Visit(
        plane=plane,
        secret=ada.token,
        address="",
        place="/ui/machines",
        actor=ada.actor,
        me=who_am_i(plane, ada.actor),
        lang="en",
        theme="light",
    )


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


def test_page_left_open_does_nothing_more_behind_the_logout(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, exported, led = visit_to(plane), list[str](), list[str]()
    monkeypatch.setattr(ui.navigate, "to", led.append)
    export = visit.doing(lambda: exported.append("rows"))

    async def left_open() -> None:
        await export()
        log_out(plane, visit.actor, visit.secret)
        await export()

    asyncio.run(left_open())

    assert exported == ["rows"]
    assert [where.partition("?")[0] for where in led] == ["/login"]


def test_what_was_done_first_comes_first(plane: Plane) -> None:
    visit, done = visit_to(plane), list[int]()

    def typed(number: int) -> Callable[..., Any]:
        return visit.doing(lambda: done.append(number))

    async def quickly() -> None:
        await asyncio.gather(*(typed(number)() for number in range(20)))

    asyncio.run(quickly())

    assert done == list(range(20))
