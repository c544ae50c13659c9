"""What was measured of the console, as text and as its section of the page."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bench import tables
from bench.machine import Machine
from bench.page import CONSOLE

_HOW = """\
*worked out*: asked when what was seen a moment ago is good no more; *kept*: within the two seconds for which it is given to all who ask. *REST lists* is how long it takes to read the lists from which the same figures can be reckoned, page by page over one connection; what it takes to reckon with them is not counted. Lists are read to their end, a thousand rows at once; of jobs the newest thousand. *CPU* is the server's own, without that of the database. A page is what the server sends before the browser draws it.
Open pages are fetched as a browser does and hold their websocket; each asks again every three seconds. *Seen after* is from the moment something was written to the database to the moment each page was told, over all of them. *Share* is of one processor.
*All machines silent*: none was heard of for an hour, all at once, and each has an open alert.
"""
# The columns before those that compare with something.
_COMPARED = 5


@dataclass(slots=True, kw_only=True)
class Asked:
    """Medians over the rounds."""

    what: str
    database: str
    ms: float
    slowest_ms: float
    # Of the server's process alone, on the mean.
    cpu_ms: float
    peer_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Many who have the first page open."""

    database: str
    browsers: int
    open_ms: float
    late_ms: float
    latest_ms: float
    quiet_share: float
    busy_share: float
    resident_mb: float
    page_kb: float
    changes: int
    # A browser comes back by itself; these do not.
    lost: int = 0


@dataclass(slots=True)
class Results:
    asked: list[Asked] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    silent: list[Asked] = field(default_factory=list)


def text(results: Results) -> str:
    return "\n\n".join(tables.columns(table) for _title, table in _tables(results))


def section(results: Results, machine: Machine, options: dict[str, str]) -> str:
    origin = "Written by `./run bench console --write-docs`."
    parts = [CONSOLE, origin, tables.facts(machine, options)]
    for title, table in _tables(results):
        parts += [f"### {title}", tables.markdown(table)]
    return "\n\n".join([*parts, _HOW.rstrip()]) + "\n"


def _tables(results: Results) -> Iterable[tuple[str, tables.Rows]]:
    yield "Questions and pages", _asked(results.asked)
    yield "Open pages", _live(results.live)
    yield "All machines silent", _silent(results.silent)


def _asked(asked: list[Asked]) -> tables.Rows:
    rows = [
        [
            one.what,
            one.database,
            f"{one.ms:.0f}",
            f"{one.slowest_ms:.0f}",
            f"{one.cpu_ms:.0f}",
            "" if one.peer_ms is None else f"{one.peer_ms:.0f}",
            "" if one.peer_ms is None else f"{one.peer_ms / one.ms:.1f}",
        ]
        for one in asked
    ]
    return [["what", "database", "ms", "slowest ms", "CPU ms", "REST lists ms", "ratio"], *rows]


def _silent(asked: list[Asked]) -> tables.Rows:
    """The lists are as long as before: they are not compared with again."""
    return [row[:_COMPARED] for row in _asked(asked)]


def _live(live: list[Live]) -> tables.Rows:
    head = ["database", "open pages", "fetched in ms", "seen after ms", "latest ms"]
    head += ["share, nothing new", "share, changes", "memory MB", "a page kB"]
    rows = [
        [
            one.database,
            f"{one.browsers}" + (f" ({one.lost} lost)" if one.lost else ""),
            f"{one.open_ms:.0f}",
            f"{one.late_ms:.0f}",
            f"{one.latest_ms:.0f}",
            f"{one.quiet_share:.0%}",
            f"{one.busy_share:.0%}",
            f"{one.resident_mb:.0f}",
            f"{one.page_kb:.0f}",
        ]
        for one in live
    ]
    return [head, *rows]
