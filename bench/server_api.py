"""How many requests a second the API answers, beside the bare framework, in turns."""

import asyncio
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import server_peer
from bench.server_client import Line, Load, connect, pump, request, trusting
from bench.server_ground import Agents, add_agents, add_jobs, spent, state_of
from holdfast.base.clock import SystemClock
from holdfast.fleet.messages import Heartbeat, JobReport
from holdfast.testing.fleet import FleetServer

_LINES = 8
_MACHINES = 50
_JOBS = 1000
_clock = SystemClock()
_Make = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRate:
    """Medians over the rounds."""

    what: str
    database: str
    ours: float
    peer: float
    # The server's own processor time for one request.
    cpu_ms: float
    peer_cpu_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What is asked, of whom, and how long each turn lasts."""

    server: FleetServer
    agents: Agents
    peer_port: int
    peer_pid: int
    seconds: float
    rounds: int


def measure(
    folder: Path, database_url: str | None, *, seconds: float, rounds: int
) -> list[ApiRate]:
    name = "PostgreSQL" if database_url else "SQLite"
    with FleetServer(folder / f"api-{name}", database_url) as server:
        database = state_of(server, database_url)
        agents = add_agents(server, database, _MACHINES)
        add_jobs(database, agents, _JOBS)
        database.close()
        with server_peer.running(server.state, folder / f"peer-{name}") as (port, pid):
            contest = Contest(
                server=server,
                agents=agents,
                peer_port=port,
                peer_pid=pid,
                seconds=seconds,
                rounds=rounds,
            )
            return asyncio.run(_all(contest, name))


async def _all(contest: Contest, database: str) -> list[ApiRate]:
    works: dict[str, tuple[_Make, bool]] = {
        "list of 100 jobs": (_lists(contest.server.admin_token), False),
        "job report": (_reports(), True),
        "heartbeat": (_beats(), True),
    }
    return [
        await _contest(contest, what, database, make, as_machines=as_machines)
        for what, (make, as_machines) in works.items()
    ]


async def _contest(
    contest: Contest, what: str, database: str, make: _Make, *, as_machines: bool
) -> ApiRate:
    port = int(contest.server.url.rpartition(":")[2])
    ours: list[_Turn] = []
    peer: list[_Turn] = []
    for _round in range(contest.rounds):
        pid = contest.server.pid
        ours.append(await _turn(contest, (port, pid), make, as_machines=as_machines))
        other = contest.peer_port, contest.peer_pid
        peer.append(await _turn(contest, other, make, as_machines=as_machines))
    return ApiRate(
        what=what,
        database=database,
        ours=statistics.median(load.rate for load, _cpu in ours),
        peer=statistics.median(load.rate for load, _cpu in peer),
        cpu_ms=statistics.median(cpu for _load, cpu in ours) * 1000,
        peer_cpu_ms=statistics.median(cpu for _load, cpu in peer) * 1000,
        p99_ms=statistics.median(load.percentile(0.99) for load, _cpu in ours) * 1000,
    )


# The load, and the process's processor seconds for one request of it.
_Turn = tuple[Load, float]


async def _turn(
    contest: Contest, place: tuple[int, int], make: _Make, *, as_machines: bool
) -> _Turn:
    """`place`: the port and the process."""
    port, pid = place
    lines = await _lines(contest.agents, port, as_machines=as_machines)
    try:
        # What is imported, prepared and pooled at the first requests is not what is measured.
        await pump(lines, make, seconds=min(1.0, contest.seconds / 3))
        before = spent(pid).cpu
        load = await pump(lines, make, seconds=contest.seconds)
        return load, (spent(pid).cpu - before) / len(load.latencies)
    finally:
        for line in lines:
            line.close()


async def _lines(agents: Agents, port: int, *, as_machines: bool) -> Sequence[Line]:
    return [
        await connect(port, agents.context(number) if as_machines else trusting(agents.ca_file))
        for number in range(_LINES)
    ]


def _lists(token: str) -> _Make:
    asked = request("GET", "/api/v1/jobs?limit=100", authorization=f"Bearer {token}")
    return lambda _line, _turn: asked


def _reports() -> _Make:
    """Each line tells of a job of its own, with a higher number each time."""
    now = _clock.now()
    numbers = dict.fromkeys(range(_LINES), 0)

    def make(line: int, _turn: int) -> bytes:
        numbers[line] += 1
        told = JobReport(
            number=numbers[line],
            kind="backup",
            origin="schedule",
            source="/etc",
            state="running",
            created_at=now,
            started_at=now,
            attempts=1,
            progress={"bytes_done": numbers[line], "files_done": 1},
        )
        return request("PUT", f"/api/v1/agent/jobs/bench-job-{line}", _body(told))

    return make


def _beats() -> _Make:
    asked = request("POST", "/api/v1/agent/heartbeat", beat_body())
    return lambda _line, _turn: asked


def beat_body(name: str = "machine") -> bytes:
    facts = {"kernel": "6.18", "memory": 8 << 30, "disk_free": 100 << 30, "timers": ["ok"] * 4}
    told = Heartbeat(
        at=_clock.now(),
        name=name,
        agent_version="0.1.0",
        facts=facts,
        running=[],
        assignments_etag="",
    )
    return _body(told)


def _body(told: Heartbeat | JobReport) -> bytes:
    return json.dumps(asdict(told), default=str).encode()
