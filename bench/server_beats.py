"""Thousands of agents at once: each with a certificate, a connection it waits on, and one for beats.

The agents are simulated in one process: real connections over mutual TLS and real requests, as
often as agents send them; what lies behind an agent (schedules, backups) is not there.
"""

import asyncio
import random
import resource
from dataclasses import dataclass
from pathlib import Path

from bench.server_api import beat_body
from bench.server_client import Line, Load, connect, request, timed
from bench.server_ground import Agents, add_agents, spent, state_of
from holdfast.base.clock import SystemClock
from holdfast.catalog.database import Database
from holdfast.catalog.tables import Machine
from holdfast.testing.fleet import FleetServer

_BETWEEN = 30.0
_WAIT = 60
_SPARE_FILES = 200
_HANDSHAKES = 32
_clock = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What so many agents cost while they have nothing to do."""

    database: str
    agents: int
    connections: int
    seconds: float
    beats: int
    polls: int
    p50_ms: float
    p99_ms: float
    # Of the server's process: without agents, and with them.
    idle_share: float
    busy_share: float
    # For one heartbeat, with its agent's share of the polls in it.
    cpu_ms: float
    # Of the server's memory, for one agent and its connections.
    bytes_an_agent: float
    rows_a_second: float
    handshakes_a_second: float
    all_seen: bool


def measure(folder: Path, database_url: str | None, *, agents: int, seconds: float) -> Crowd:
    name = "PostgreSQL" if database_url else "SQLite"
    _allow_many_files()
    with FleetServer(folder / f"beats-{name}", database_url) as server:
        database = state_of(server, database_url)
        made = add_agents(server, database, agents)
        try:
            return asyncio.run(_Measurement(server, database, made, name).run(seconds))
        finally:
            database.close()


class _Measurement:
    def __init__(self, server: FleetServer, database: Database, agents: Agents, name: str) -> None:
        self._server, self._database, self._agents, self._name = server, database, agents, name
        self._port = int(server.url.rpartition(":")[2])
        self._beats, self._polls = Load(), 0

    async def run(self, seconds: float) -> Crowd:
        quiet = await self._watched(5.0)
        began, before = _clock.monotonic(), spent(self._server.pid)
        tasks = await self._started()
        connecting = _clock.monotonic() - began
        # The first round fills caches and pools; it is not counted.
        await asyncio.sleep(_BETWEEN)
        self._beats, self._polls = Load(), 0
        busy = await self._watched(seconds)
        after, all_seen = spent(self._server.pid), self._all_seen()
        lost = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return self._crowd(
            seconds,
            quiet=quiet,
            busy=busy,
            grown=after.resident - before.resident,
            rate=len(tasks) / connecting,
            all_seen=all_seen and not lost,
        )

    async def _watched(self, seconds: float) -> float:
        """The share of one processor that the server's process takes."""
        before = spent(self._server.pid).cpu
        await asyncio.sleep(seconds)
        return (spent(self._server.pid).cpu - before) / seconds

    async def _started(self) -> list["asyncio.Task[None]"]:
        """Every agent at its work; each begins as soon as it is connected."""
        at_once = asyncio.Semaphore(_HANDSHAKES)
        tasks: list[asyncio.Task[None]] = []

        async def start(number: int) -> None:
            async with at_once:
                context = self._agents.context(number)
                waiting = await connect(self._port, context)
                tasks.append(asyncio.create_task(self._wait_for_commands(waiting)))
                beating = await connect(self._port, context)
                tasks.append(asyncio.create_task(self._send_beats(number, beating)))

        await asyncio.gather(*(start(number) for number in range(len(self._agents.ids))))
        return tasks

    async def _wait_for_commands(self, line: Line) -> None:
        asked = request("GET", f"/api/v1/agent/commands?wait={_WAIT}")
        while True:
            await line.ask(asked)
            self._polls += 1

    async def _send_beats(self, number: int, line: Line) -> None:
        # A connection that says nothing for ten seconds is given up, so it speaks at once, and
        # then at a moment of its own.
        await line.ask(self._beat(number))
        await asyncio.sleep(random.uniform(0, _BETWEEN))
        while True:
            began = _clock.monotonic()
            load = self._beats
            load.latencies.append(await timed(line.ask(self._beat(number))))
            await asyncio.sleep(max(0.0, began + _BETWEEN - _clock.monotonic()))

    def _beat(self, number: int) -> bytes:
        return request("POST", "/api/v1/agent/heartbeat", beat_body(self._agents.ids[number]))

    def _all_seen(self) -> bool:
        """Whether the database knows every agent's last beat."""
        oldest = _clock.now().timestamp() - _BETWEEN - 10
        with self._database.read() as db:
            seen = [row.last_seen_at for row in db.query(Machine).all()]
        return all(moment is not None and moment.timestamp() > oldest for moment in seen)

    def _crowd(
        self, seconds: float, *, quiet: float, busy: float, grown: int, rate: float, all_seen: bool
    ) -> Crowd:
        beats, agents = self._beats, len(self._agents.ids)
        return Crowd(
            database=self._name,
            agents=agents,
            connections=2 * agents,
            seconds=seconds,
            beats=len(beats.latencies),
            polls=self._polls,
            p50_ms=beats.percentile(0.5) * 1000,
            p99_ms=beats.percentile(0.99) * 1000,
            idle_share=quiet,
            busy_share=busy,
            cpu_ms=(busy - quiet) * seconds / max(1, len(beats.latencies)) * 1000,
            bytes_an_agent=grown / agents,
            rows_a_second=len(beats.latencies) / seconds,
            handshakes_a_second=rate,
            all_seen=all_seen,
        )


def _allow_many_files() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_agents() -> int:
    """How many this machine has file descriptors for: two connections each, at either end."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, (hard - _SPARE_FILES) // 2)
