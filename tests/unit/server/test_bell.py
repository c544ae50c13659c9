"""The bell wakes exactly those who have something to come for."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from holdfast.server.bell import Bell


class Commands:
    """The table, as far as the bell sees it."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = [(7, "old")]
        self.looks = 0
        self.is_away = False
        self._lock = threading.Lock()

    def add(self, machine: str) -> None:
        with self._lock:
            self.told.append((self.told[-1][0] + 1, machine))

    def newest(self) -> int:
        return self.told[-1][0]

    def since(self, number: int) -> tuple[int, frozenset[str]]:
        self.looks += 1
        if self.is_away:
            raise OSError("away")
        with self._lock:
            fresh = [(one, machine) for one, machine in self.told if one > number]
        return max((one for one, _ in fresh), default=number), frozenset(m for _, m in fresh)


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def bell(commands: Commands) -> Bell:
    return Bell(newest=commands.newest, since=commands.since, between=0.01)


async def _until(reached: Callable[[], object]) -> None:
    for _look in range(9000):
        if reached():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come")


async def _is_woken(bell: Bell, machine: str, *, within: float = 90) -> bool:
    async with bell.listening(machine) as waiter:
        done, _ = await asyncio.wait([waiter], timeout=within)
    return bool(done)


def test_only_the_machine_meant_is_woken(bell: Bell, commands: Commands) -> None:
    async def story() -> list[bool]:
        waiting = [
            asyncio.ensure_future(_is_woken(bell, "a")),
            asyncio.ensure_future(_is_woken(bell, "b", within=0.2)),
        ]
        # Who has looked once knows what was there before.
        await _until(lambda: commands.looks)
        commands.add("a")
        return await asyncio.gather(*waiting)

    assert asyncio.run(story()) == [True, False]


def test_what_came_before_wakes_nobody(bell: Bell) -> None:
    assert asyncio.run(_is_woken(bell, "old", within=0.1)) is False


def test_thousands_wait_and_one_asks(commands: Commands) -> None:
    bell = Bell(newest=commands.newest, since=commands.since, between=0.1)

    async def story() -> list[bool]:
        waiting = [asyncio.ensure_future(_is_woken(bell, f"m{number}")) for number in range(3000)]
        await _until(lambda: len(bell) == 3000 and commands.looks)
        for number in range(3000):
            commands.add(f"m{number}")
        return await asyncio.gather(*waiting)

    assert all(asyncio.run(story()))
    assert commands.looks < 400


def test_nobody_asks_when_nobody_waits(bell: Bell, commands: Commands) -> None:
    async def story() -> int:
        await _is_woken(bell, "a", within=0.05)
        # The look under way comes to its end.
        before = -1
        for _look in range(900):
            if before == commands.looks:
                return before
            before = commands.looks
            await asyncio.sleep(0.1)
        pytest.fail("it goes on asking")

    assert asyncio.run(story()) >= 0


def test_database_that_is_away_for_a_moment_loses_nobody(bell: Bell, commands: Commands) -> None:
    async def story() -> bool:
        waiting = asyncio.ensure_future(_is_woken(bell, "a"))
        await _until(lambda: commands.looks)
        commands.is_away = True
        commands.add("a")
        before = commands.looks
        await _until(lambda: commands.looks > before + 1)
        commands.is_away = False
        return await waiting

    assert asyncio.run(story()) is True


def test_bell_rings_in_another_loop_as_well(bell: Bell) -> None:
    asyncio.run(_is_woken(bell, "a", within=0.02))

    assert asyncio.run(_is_woken(bell, "a", within=0.02)) is False
