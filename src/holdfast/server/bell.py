"""The bell: wakes those who wait for a command as soon as there is one.

However many machines wait, one task asks the database, twice a second and only while somebody
waits. A command may come in through any server: all of them look at the same table.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

_log = logging.getLogger(__name__)
_BETWEEN = 0.5

Waiter = asyncio.Future[None]


class Bell:
    """`newest` says the highest number; `since`, whom the commands after a number are for."""

    def __init__(
        self,
        *,
        newest: Callable[[], int],
        since: Callable[[int], tuple[int, frozenset[str]]],
        between: float = _BETWEEN,
    ) -> None:
        self._newest, self._since, self._between = newest, since, between
        self._waiters: dict[str, set[Waiter]] = defaultdict(set)
        self._watch: asyncio.Task[None] | None = None
        self._ready: Waiter | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def listening(self, machine_id: str) -> AsyncIterator[Waiter]:
        """A future, done when there is something new. Look inside, then wait: nothing is missed."""
        self._loop = asyncio.get_running_loop()
        waiter: Waiter = self._loop.create_future()
        self._waiters[machine_id].add(waiter)
        try:
            await self._watched()
            yield waiter
        finally:
            waiter.cancel()
            self._waiters[machine_id].discard(waiter)
            if not self._waiters[machine_id]:
                del self._waiters[machine_id]

    def ring_soon(self, machine_id: str) -> None:
        """There is something for this machine: may be called from any thread."""
        loop = self._loop
        if loop is not None:
            # A loop that has ended has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._ring, machine_id)

    def ring_for_all(self) -> None:
        """Send everybody home: the server stops, and they ask again elsewhere or later."""
        for machine_id in list(self._waiters):
            self._ring(machine_id)

    def __len__(self) -> int:
        return sum(map(len, self._waiters.values()))

    async def _watched(self) -> None:
        loop = asyncio.get_running_loop()
        if self._watch is None or self._watch.done() or self._watch.get_loop() is not loop:
            self._ready = loop.create_future()
            self._watch = loop.create_task(self._look(self._ready))
        assert self._ready is not None
        await asyncio.shield(self._ready)

    async def _look(self, ready: Waiter) -> None:
        try:
            seen = await asyncio.to_thread(self._newest)
        except Exception as err:
            ready.set_exception(err)
            return
        ready.set_result(None)
        while self._waiters:
            await asyncio.sleep(self._between)
            try:
                seen, fresh = await asyncio.to_thread(self._since, seen)
            except Exception:
                # The database is away; who waits looks again by itself before long.
                _log.warning("commands not looked for", exc_info=True)
                continue
            for machine_id in fresh:
                self._ring(machine_id)

    def _ring(self, machine_id: str) -> None:
        for waiter in self._waiters.get(machine_id, ()):
            with suppress(asyncio.InvalidStateError):
                waiter.set_result(None)
