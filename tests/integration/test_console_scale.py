"""The console over a large fleet: nothing that a page asks for, sends or holds grows without end.

How long it takes is for `./run bench console` to say; here only what every machine finds the same.
"""

import gc
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from bench.console_ground import Fleet, Size, fill, silence
from holdfast.app.control.kept import LIFE
from holdfast.app.control.overview import show_overview
from holdfast.app.control.plane import Plane
from holdfast.base.clock import SystemClock
from holdfast.catalog.tables import Machine
from holdfast.console.mounting import mount
from holdfast.console.tables import PER_PAGE
from holdfast.server.application import make_app
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, client_of, make_plane

# Lists are read a thousand rows at a time: both are read at once.
SMALL = Size(machines=50, points=50, vms=20, jobs=60, vaults=5)
LARGE = Size(machines=500, points=500, vms=100, jobs=600, vaults=50)
OVERVIEW, MACHINES = "/", "/machines"
LISTS = (
    MACHINES,
    "/safety",
    "/vms",
    "/points",
    "/jobs",
    "/alerts",
    "/problems",
    "/vaults",
    "/policies",
)
OTHERS = ("/replications", "/recovery", "/drills", "/plans", "/reports", "/reports/weekly")
PAGES = (OVERVIEW, *LISTS, *OTHERS)
# Longer than what was seen a moment ago is good for.
LATER = 3.0
KB, MB = 1000, 1_000_000
MOST_SENT = 256 * KB
OPEN = 5
# Each open first page asks that often, in seconds.
EVERY = 3.0

pytestmark = [pytest.mark.real, pytest.mark.slow]


@dataclass(slots=True)
class Site:
    """A plane with its fleet, and whoever looks at it."""

    plane: Plane
    clock: FakeClock
    fleet: Fleet
    token: str
    statements: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One page as it was sent."""

    statements: int
    size: int
    # Of the list that is the page: how many rows it shows, and has.
    rows: int
    listed: int


class Browser:
    """Asks one application for pages of several planes, one after the other."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def open(self, site: Site, path: str) -> str:
        from nicegui import app

        app.state.plane = site.plane
        cookie = {"Cookie": f"__Host-holdfast={site.token}"}
        answer = self._client.get(f"/ui{path}", headers=cookie)
        assert answer.status_code == 200, path
        text: str = answer.text
        return text

    def look(self, site: Site, path: str) -> Seen:
        """As somebody sees it who comes a while after everybody else."""
        site.clock.sleep(LATER)
        site.statements = 0
        text = self.open(site, path)
        rows, listed = _rows(text)
        return Seen(statements=site.statements, size=len(text), rows=rows, listed=listed)

    def held_by(self, site: Site, path: str) -> float:
        """Bytes that the server holds for each of some open pages."""
        self.open(site, path)
        gc.collect()
        tracemalloc.start()
        try:
            for _page in range(OPEN):
                self.open(site, path)
            gc.collect()
            return tracemalloc.get_traced_memory()[0] / OPEN
        finally:
            tracemalloc.stop()


def _rows(text: str) -> tuple[int, int]:
    """As the list itself says it: "1-25 of 500"."""
    told = re.search(r'"said":"(\d+)-(\d+) of (\d+)"', text)
    if told is None:
        return 0, 0
    first, last, count = map(int, told.groups())
    return last - first + 1, count


def _site(folder: Path, size: Size) -> Site:
    clock = FakeClock(SystemClock().now())
    plane = make_plane(folder, clock=clock)
    fleet = fill(plane.database, size)
    site = Site(plane=plane, clock=clock, fleet=fleet, token=add_admin(plane).token)

    def count(*_told: Any) -> None:
        site.statements += 1

    event.listen(plane.database.engine, "before_cursor_execute", count)
    return site


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    made = tuple(_site(tmp_path_factory.mktemp("fleet"), size) for size in (SMALL, LARGE))
    yield made[0], made[1]
    for site in made:
        site.plane.database.close()


@pytest.fixture(scope="module")
def browser(sites: tuple[Site, Site]) -> Iterator[Browser]:
    plane = sites[0].plane
    app = make_app(plane)
    mount(app, plane)
    with client_of(plane, app=app) as client:
        made = Browser(client)
        for site in sites:
            for path in PAGES:
                # What is put down at the first look is there from then on.
                made.open(site, path)
        yield made


@pytest.fixture(scope="module")
def seen(browser: Browser, sites: tuple[Site, Site]) -> dict[str, tuple[Seen, Seen]]:
    return _looked_at(browser, sites)


@pytest.fixture(scope="module")
def seen_silent(
    browser: Browser, sites: tuple[Site, Site], seen: dict[str, tuple[Seen, Seen]]
) -> dict[str, tuple[Seen, Seen]]:
    """After the others have been looked at: no machine is heard of any more."""
    assert seen
    for site in sites:
        silence(site.plane.database, site.fleet)
    return _looked_at(browser, sites)


def _looked_at(browser: Browser, sites: tuple[Site, Site]) -> dict[str, tuple[Seen, Seen]]:
    small, large = sites
    return {path: (browser.look(small, path), browser.look(large, path)) for path in PAGES}


@pytest.mark.parametrize("path", PAGES)
def test_ten_times_the_fleet_costs_no_statement_more(
    seen: dict[str, tuple[Seen, Seen]], path: str
) -> None:
    small, large = seen[path]

    assert small.statements == large.statements > 0


@pytest.mark.parametrize("path", PAGES)
def test_nor_does_it_where_nobody_is_heard_of(
    seen_silent: dict[str, tuple[Seen, Seen]], path: str
) -> None:
    small, large = seen_silent[path]

    assert small.statements == large.statements > 0


@pytest.mark.parametrize("path", LISTS)
def test_a_browser_is_sent_one_page_of_a_list(
    seen_silent: dict[str, tuple[Seen, Seen]], path: str
) -> None:
    _small, large = seen_silent[path]

    assert large.rows == min(PER_PAGE, large.listed) > 0
    # Those who fell silent at once are one problem; all other lists are longer than a page.
    assert path == "/problems" or large.listed > PER_PAGE


@pytest.mark.parametrize("path", PAGES)
def test_what_is_sent_of_a_page_has_a_bound(
    seen: dict[str, tuple[Seen, Seen]], seen_silent: dict[str, tuple[Seen, Seen]], path: str
) -> None:
    sizes = [one.size for looked in (seen, seen_silent) for one in looked[path]]

    assert max(sizes) < MOST_SENT


def test_the_first_page_holds_no_more_memory_for_more_machines(
    browser: Browser, sites: tuple[Site, Site]
) -> None:
    small, large = (browser.held_by(site, OVERVIEW) for site in sites)

    assert large < 2 * small
    assert large < 3 * MB


def test_a_list_holds_what_it_shows_of_each_and_little_more(
    browser: Browser, sites: tuple[Site, Site]
) -> None:
    for site in sites:
        with site.plane.database.write() as db:
            # What a machine tells of itself is of any length, and no list shows it.
            db.execute(update(Machine).values(facts={"told": "x" * 16 * KB}))

    small, large = (browser.held_by(site, MACHINES) for site in sites)

    assert small < 3 * MB
    assert (large - small) / (LARGE.machines - SMALL.machines) < 8 * KB


def test_fifty_open_first_pages_cost_one_look_every_two_seconds(sites: tuple[Site, Site]) -> None:
    site, seconds, pages = sites[1], 30, 50
    people = [add_admin(site.plane, f"person-{number}").actor for number in range(pages)]
    site.clock.sleep(LATER)
    site.statements = 0
    show_overview(site.plane, people[0])
    one_look = site.statements

    for _turn in range(int(seconds / EVERY)):
        for person in people:
            site.clock.sleep(EVERY / pages)
            show_overview(site.plane, person)

    assert one_look > 0
    assert site.statements <= one_look * (seconds / LIFE.total_seconds() + 1)
