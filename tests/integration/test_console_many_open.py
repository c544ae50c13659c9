"""Fifty people have the first page open: each is told what goes wrong, and costs the server little."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.console_browsers import open_page
from bench.console_ground import Size, fill, silence
from bench.server_ground import spent
from holdfast.testing.console import plane_beside
from holdfast.testing.fleet import FleetServer

PAGES, PATIENCE = 50, 90
SIZE = Size(machines=500, points=500, vms=20, jobs=100, vaults=10)
# Measured: a quarter of that, with what the first page of a process takes once.
MOST_OF_A_PAGE = 5_000_000

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_each_of_fifty_open_pages_is_told_and_none_is_dear(tmp_path: Path) -> None:
    with (
        FleetServer(tmp_path, console=True, workflows=False) as server,
        plane_beside(server) as plane,
    ):
        fleet = fill(plane.database, SIZE)

        told, grown = asyncio.run(
            _watched(server, lambda: silence(plane.database, fleet)),
        )

    assert told == PAGES
    assert grown / PAGES < MOST_OF_A_PAGE


async def _watched(server: FleetServer, go_wrong: Callable[[], None]) -> tuple[int, int]:
    """How many pages were told of it, and by how many bytes the server has grown."""
    before = spent(server.pid).resident
    context, token = server.tls(), server.admin_token
    pages = [await open_page(server.url, token, context) for _ in range(PAGES)]
    try:
        await asyncio.to_thread(go_wrong)
        waiting = [asyncio.create_task(page.wait_for("fell silent")) for page in pages]
        told, late = await asyncio.wait(waiting, timeout=PATIENCE)
        for task in late:
            task.cancel()
        return len(told), spent(server.pid).resident - before
    finally:
        for page in pages:
            await page.close()
