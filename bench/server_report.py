"""The server's figures, as lines for people and as the section of docs/benchmarks.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench import tables
from bench.machine import Machine
from bench.page import SERVER
from bench.server_api import ApiRate
from bench.server_beats import Crowd
from bench.server_gateway import Rate

_HOW = """\
### How the server is measured

The server is the real process, `holdfast server run` with its workflows, on its own state; PostgreSQL is Debian's, on the same machine, with `fsync` off (its tests' settings), while SQLite syncs every commit.
Whoever asks is a process on the same machine as well and shares its processors with the server: on a machine of its own the server answers more. Processor time is the server's process alone, without PostgreSQL's.
The peer is a FastAPI application with the same routes, messages, TLS and client certificates, which answers constants without a database, a log or a rule: what our code costs is what lies between. Both are asked in turns.
Packs have 16 MiB and cannot be compressed. The gateway and the peer hash, write and sync each of them; *directory* is the same storage without network, TLS and hash.
The agents' connections, certificates and requests are real, two connections each: one waits for commands up to a minute, over the other a heartbeat goes every half minute. What lies behind an agent (its schedule, its backups) is not there, and all of them live in one process. The first half minute is not counted.
*CPU a heartbeat* is all that the server's process spent beyond its idle time, so it has the agent's share of the polls in it. *Memory an agent* is what the server's process grew by, two TLS connections included.
"""


@dataclass(slots=True)
class Results:
    """What was measured; a part that was not asked for is empty."""

    api: list[ApiRate] = field(default_factory=list)
    gateway: list[Rate] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)


def text(results: Results) -> str:
    return "\n\n".join(tables.columns(table) for _title, table in _tables(results))


def section(results: Results, machine: Machine, options: dict[str, str]) -> str:
    origin = "Written by `./run bench server --write-docs`."
    parts = [SERVER, origin, tables.facts(machine, options)]
    for title, table in _tables(results):
        parts += [f"### {title}", tables.markdown(table)]
    return "\n\n".join([*parts, _HOW.rstrip()]) + "\n"


def _tables(results: Results) -> Iterable[tuple[str, tables.Rows]]:
    if results.api:
        yield "Requests a second, eight connections", _api(results.api)
    if results.gateway:
        yield "Packs through the gateway, MB/s over TLS on loopback", _gateway(results.gateway)
    if results.crowds:
        yield "Agents that have nothing to do", _crowds(results.crowds)


def _api(rates: Sequence[ApiRate]) -> tables.Rows:
    head = ["request", "database", "ours/s", "peer/s", "ratio", "CPU ms", "peer's CPU ms", "p99 ms"]
    rows = [
        [
            one.what,
            one.database,
            f"{one.ours:.0f}",
            f"{one.peer:.0f}",
            f"{one.ours / one.peer:.2f}",
            f"{one.cpu_ms:.2f}",
            f"{one.peer_cpu_ms:.2f}",
            f"{one.p99_ms:.0f}",
        ]
        for one in rates
    ]
    return [head, *rows]


def _gateway(rates: Sequence[Rate]) -> tables.Rows:
    head = ["work", "at once", "gateway", "peer", "ratio", "directory"]
    head += ["CPU s/GB", "peer's CPU s/GB", "memory grew by MB"]
    rows = [
        [
            one.what,
            str(one.at_once),
            f"{one.gateway:.0f}",
            f"{one.peer:.0f}",
            f"{one.gateway / one.peer:.2f}",
            f"{one.directory:.0f}",
            f"{one.server_cpu:.1f}",
            f"{one.peer_cpu:.1f}",
            f"{one.grown_mb:.0f}",
        ]
        for one in rates
    ]
    return [head, *rows]


def _crowds(crowds: Sequence[Crowd]) -> tables.Rows:
    head = ["database", "agents", "connections", "heartbeats/s", "polls/s", "p50 ms", "p99 ms"]
    head += ["one processor busy", "idle", "CPU ms a heartbeat", "memory an agent", "connects/s"]
    rows = [
        [
            one.database,
            f"{one.agents:,}",
            f"{one.connections:,}",
            f"{one.rows_a_second:.0f}" + ("" if one.all_seen else " (some lost)"),
            f"{one.polls / one.seconds:.0f}",
            f"{one.p50_ms:.0f}",
            f"{one.p99_ms:.0f}",
            f"{one.busy_share:.0%}",
            f"{one.idle_share:.0%}",
            f"{one.cpu_ms:.2f}",
            f"{one.bytes_an_agent / 1000:.0f} kB",
            f"{one.handshakes_a_second:.0f}",
        ]
        for one in crowds
    ]
    return [head, *rows]
