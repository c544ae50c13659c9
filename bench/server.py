"""`./run bench server`: what the server takes, gives and costs, on SQLite and on PostgreSQL."""

import argparse
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from bench import server_api, server_beats, server_gateway, server_report
from bench.machine import look_around
from bench.page import PAGE, SERVER, replace_section
from bench.server_report import Results
from holdfast.base.clock import SystemClock
from holdfast.testing.postgres import find_programs, running_postgres

_HERE = Path(__file__).parent.parent
PARTS = ("api", "gateway", "agents")
_DATABASES = ("sqlite", "postgresql")


class Holdfast:
    """For the line that says what was measured."""

    name = "holdfast"

    def version(self) -> str:
        libraries = ("holdfast", "fastapi", "uvicorn", "sqlalchemy")
        return "; ".join(f"{name} {version(name)}" for name in libraries)


def add_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--only", choices=PARTS, action="append", help="a part; may be given again")
    option("--databases", choices=_DATABASES, action="append", help="one of them; as above")
    option("--agents", type=int, default=5000, help="how many are simulated")
    option("--seconds", type=float, default=60.0, help="how long the agents are watched")
    option("--rounds", type=int, default=3, help="turns of each contender; medians are shown")
    option("--data", type=Path, default=_HERE / ".work" / "bench", help="where it is measured")
    option("--write-docs", action="store_true", help="write its section of docs/benchmarks.md")


def run(wanted: argparse.Namespace) -> int:
    folder = wanted.data.resolve() / f"server-{os.getpid()}"
    folder.mkdir(parents=True)
    parts, results = wanted.only or list(PARTS), Results()
    try:
        with contextlib.ExitStack() as stack:
            for url in urls(wanted.databases or list(_DATABASES), stack):
                _measure(wanted, folder, parts, results, new_url=url)
        if "gateway" in parts:
            say("the gateway")
            results.gateway = server_gateway.measure(folder / "gateway", rounds=wanted.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(server_report.text(results))
    if wanted.write_docs and set(parts) == set(PARTS):
        _publish(wanted, results)
    return 0


# The address of a fresh database; None: a file of its own.
_NewUrl = Callable[[], str | None]


def urls(databases: list[str], stack: contextlib.ExitStack) -> Iterator[_NewUrl]:
    if "sqlite" in databases:
        yield lambda: None
    if "postgresql" not in databases:
        return
    if find_programs() is None:
        say("PostgreSQL is not installed, and so left out")
        return
    yield stack.enter_context(running_postgres()).new_database


def _measure(
    wanted: argparse.Namespace,
    folder: Path,
    parts: list[str],
    results: Results,
    *,
    new_url: _NewUrl,
) -> None:
    if "api" in parts:
        say("the API")
        url = new_url()
        results.api += server_api.measure(folder, url, seconds=3.0, rounds=wanted.rounds)
    if "agents" in parts:
        agents = min(wanted.agents, server_beats.most_agents())
        say(f"{agents:,} agents")
        url = new_url()
        crowd = server_beats.measure(folder, url, agents=agents, seconds=wanted.seconds)
        results.crowds.append(crowd)


def say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def _publish(wanted: argparse.Namespace, results: Results) -> None:
    machine = look_around([Holdfast()], wanted.data.parent, SystemClock())
    options = {
        "agents": f"{wanted.agents:,}",
        "rounds": str(wanted.rounds),
        # Well above that of a quiet machine: somebody else was at work as well.
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }
    replace_section(PAGE, SERVER, server_report.section(results, machine, options))
