"""`./run bench console`: the first page over a large fleet, its lists, and many who have it open."""

import argparse
import asyncio
import contextlib
import os
import shutil
import ssl
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from bench import console_report
from bench.console_browsers import Opened, open_page
from bench.console_ground import Fleet, Size, fill, silence
from bench.console_report import Asked, Live, Results
from bench.machine import look_around
from bench.page import CONSOLE, PAGE, replace_section
from bench.server import Holdfast, say, urls
from bench.server_ground import spent, state_of
from holdfast.base.clock import SystemClock
from holdfast.catalog.database import Database
from holdfast.catalog.tables import Alert
from holdfast.testing.fleet import FleetServer

_HERE = Path(__file__).parent.parent
_DATABASES = ("sqlite", "postgresql")
# What was seen a moment ago is given again for two seconds.
_KEPT = 2.2
# A page whose browser is gone asks on for ten seconds, and would keep what is seen fresh.
_FORGOTTEN = 15.0
_LISTS = ("machines", "vms", "replications", "alerts", "problems", "jobs")
_PAGES = ("/safety", "/machines", "/vms", "/problems", "/points")
_PAGES_OF_SILENCE = ("/", "/machines", "/problems", "/alerts", "/jobs")
_MOST = 1000
_PATIENCE = 30.0
_SIZE = Size()
_clock = SystemClock()


def add_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--databases", choices=_DATABASES, action="append", help="one of them; twice for both")
    option("--machines", type=int, default=_SIZE.machines)
    option("--points", type=int, default=_SIZE.points)
    option("--vms", type=int, default=_SIZE.vms)
    option("--browsers", type=int, default=50, help="how many have the first page open")
    option("--changes", type=int, default=10, help="how many they see while they are watched")
    option("--rounds", type=int, default=9, help="turns of each question; medians are shown")
    option("--data", type=Path, default=_HERE / ".work" / "bench", help="where it is measured")
    option("--write-docs", action="store_true", help="write its section of docs/benchmarks.md")


def run(wanted: argparse.Namespace) -> int:
    folder = wanted.data.resolve() / f"console-{os.getpid()}"
    folder.mkdir(parents=True)
    results = Results()
    try:
        with contextlib.ExitStack() as stack:
            for new_url in urls(wanted.databases or list(_DATABASES), stack):
                _measure(wanted, folder, new_url(), results)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(console_report.text(results))
    if wanted.write_docs:
        _publish(wanted, results)
    return 0


def _measure(wanted: argparse.Namespace, folder: Path, url: str | None, results: Results) -> None:
    name = "PostgreSQL" if url else "SQLite"
    size = Size(machines=wanted.machines, points=wanted.points, vms=wanted.vms)
    with FleetServer(folder / name, url, console=True, workflows=False) as server:
        database = state_of(server, url)
        try:
            say(f"{size.machines:,} machines, {size.points:,} points into {name}")
            fleet = fill(database, size)
            say("the overview and the lists")
            results.asked += _Questions(server, name, wanted.rounds).all()
            say(f"{wanted.browsers} open pages")
            results.live.append(_live(wanted, server, database, fleet))
            say("no machine is heard of any more")
            _clock.sleep(_FORGOTTEN)
            silence(database, fleet)
            results.silent += _Questions(server, name, wanted.rounds).of_silence()
        finally:
            database.close()


class _Questions:
    def __init__(self, server: FleetServer, database: str, rounds: int) -> None:
        self._server, self._database, self._rounds = server, database, rounds
        self._token = server.admin_token
        self._rest = server.client(token=self._token)
        self._pages = httpx.Client(
            base_url=server.url,
            verify=server.tls(),
            cookies={"__Host-holdfast": self._token},
            trust_env=False,
            timeout=120,
        )

    def all(self) -> list[Asked]:
        with self._rest, self._pages:
            self._get("/overview")
            peer = statistics.median(self._timed(self._figures_by_lists) for _ in range(3))
            found = [
                self._asked("overview, worked out", lambda: self._get("/overview"), anew=True),
                self._asked("overview, kept", lambda: self._get("/overview")),
            ]
            for one in found:
                one.peer_ms = peer
            found += [
                self._asked(f"list of {name}, to its end", lambda name=name: self._whole(name))  # type: ignore[misc]
                for name in ("safety", *_LISTS)
            ]
            found.append(self._asked("page /, worked out", lambda: self._page("/"), anew=True))
            return found + self._of_pages(("/", *_PAGES))

    def of_silence(self) -> list[Asked]:
        """When nearly all that people see is trouble, and the most of them look."""
        with self._rest, self._pages:
            return [
                self._asked("overview, worked out", lambda: self._get("/overview"), anew=True),
                self._asked("overview, kept", lambda: self._get("/overview")),
                *self._of_pages(_PAGES_OF_SILENCE),
            ]

    def _of_pages(self, paths: tuple[str, ...]) -> list[Asked]:
        return [
            self._asked(f"page {path}", lambda path=path: self._page(path))  # type: ignore[misc]
            for path in paths
        ]

    def _figures_by_lists(self) -> None:
        """What somebody would have to ask to reckon the same figures."""
        for name in _LISTS:
            self._whole(name)

    def _asked(self, what: str, ask: Callable[[], None], *, anew: bool = False) -> Asked:
        ask()
        found, cpu = [], 0.0
        for _round in range(self._rounds):
            if anew:
                _clock.sleep(_KEPT)
            before = spent(self._server.pid).cpu
            found.append(self._timed(ask))
            cpu += spent(self._server.pid).cpu - before
        return Asked(
            what=what,
            database=self._database,
            ms=statistics.median(found),
            slowest_ms=max(found),
            cpu_ms=cpu / self._rounds * 1000,
        )

    def _timed(self, ask: Callable[[], None]) -> float:
        began = _clock.monotonic()
        ask()
        return (_clock.monotonic() - began) * 1000

    def _whole(self, name: str) -> None:
        after: dict[str, Any] = {}
        chosen = {"open": "true"} if name == "alerts" else {}
        for _page in range(100):
            told = self._get(f"/{name}", limit=_MOST, **chosen, **after)
            # Of jobs only the newest are looked at: there is no end to them.
            if told["next"] is None or name == "jobs":
                return
            after = {"after": told["next"]}

    def _get(self, path: str, **params: Any) -> Any:
        answer = self._rest.get(f"/api/v1{path}", params=params, timeout=120)
        answer.raise_for_status()
        return answer.json()

    def _page(self, path: str) -> None:
        answer = self._pages.get(f"/ui{path}")
        answer.raise_for_status()


def _live(
    wanted: argparse.Namespace, server: FleetServer, database: Database, fleet: Fleet
) -> Live:
    context = server.tls()
    return asyncio.run(_watched(wanted, server, database, fleet, context=context))


async def _watched(
    wanted: argparse.Namespace,
    server: FleetServer,
    database: Database,
    fleet: Fleet,
    *,
    context: ssl.SSLContext,
) -> Live:
    before = spent(server.pid)
    token = server.admin_token
    pages = [await open_page(server.url, token, context) for _ in range(wanted.browsers)]
    try:
        opened = spent(server.pid)
        quiet = await _share(server, seconds=10.0)
        late: list[float] = []
        began, cpu = _clock.monotonic(), spent(server.pid).cpu
        for number in range(wanted.changes):
            late += await _change(database, fleet, pages, number)
        passed = _clock.monotonic() - began
        busy = (spent(server.pid).cpu - cpu) / passed
        return Live(
            database="SQLite" if database.is_sqlite else "PostgreSQL",
            browsers=len(pages),
            open_ms=statistics.median(page.seconds for page in pages) * 1000,
            late_ms=statistics.median(late) * 1000,
            latest_ms=max(late) * 1000,
            quiet_share=quiet,
            busy_share=busy,
            resident_mb=spent(server.pid).resident / 1e6,
            page_kb=(opened.resident - before.resident) / len(pages) / 1e3,
            changes=wanted.changes,
            lost=sum(not page.socket.connected for page in pages),
        )
    finally:
        for page in pages:
            await page.close()


async def _share(server: FleetServer, *, seconds: float) -> float:
    before = spent(server.pid).cpu
    await asyncio.sleep(seconds)
    return (spent(server.pid).cpu - before) / seconds


async def _change(
    database: Database, fleet: Fleet, pages: list[Opened], number: int
) -> list[float]:
    """Something goes wrong with one machine; how long it takes until each page says so."""
    held = [page for page in pages if page.socket.connected]
    for page in held:
        page.updates.clear()
        page.news.clear()
    await asyncio.to_thread(_go_wrong, database, fleet, number)
    began = _clock.monotonic()
    waiting = [asyncio.create_task(page.news.wait()) for page in held]
    _told, late = await asyncio.wait(waiting, timeout=_PATIENCE)
    for task in late:
        task.cancel()
    return [page.updates[0] - began for page in held if page.updates]


def _go_wrong(database: Database, fleet: Fleet, number: int) -> None:
    now, machine = _clock.now(), fleet.machines[number]
    with database.write() as db:
        db.add(
            Alert(
                id=f"bench-{number}",
                key=f"bench-{number}",
                kind="damage-found",
                severity="critical",
                vault_id=fleet.vaults[number],
                machine_id=machine,
                fields={"machine": f"machine-{number:05}", "reason": "a pack is cut short"},
                first_at=now,
                last_at=now,
                sent_to=[],
            )
        )


def _publish(wanted: argparse.Namespace, results: Results) -> None:
    machine = look_around([Holdfast()], wanted.data.parent, SystemClock())
    options = {
        "fleet": f"{wanted.machines:,} machines, {wanted.points:,} points, {wanted.vms:,} VMs",
        "rounds": str(wanted.rounds),
        # Well above that of a quiet machine: somebody else was at work as well.
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }
    replace_section(PAGE, CONSOLE, console_report.section(results, machine, options))
