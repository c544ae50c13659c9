"""A recovery plan of many machines, and the same machines started by libvirt alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import perf_counter

from bench.recovery_report import PLAN_OF
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost, two_hosts
from holdfast.testing.two_sites import TwoSites, two_sites

_RECIPE = Recipe(memory=96 << 20)
_PLAN = """name: all
groups:
  - name: shop
    machines: [{machines}]
"""


def plan_seconds() -> float:
    """Of the whole command, which ends when every agent has answered."""
    with ExitStack() as stack:
        north, south = stack.enter_context(two_hosts())
        sites = stack.enter_context(two_sites(north, south))
        sites.work()
        names = [f"shop{number}" for number in range(PLAN_OF)]
        with _replicated(sites, names):
            file = sites.south.side.folder / "all.yaml"
            file.write_text(_PLAN.format(machines=", ".join(names)))
            sites.south.run("plan", "apply", file)
            start = perf_counter()
            sites.south.run("plan", "run", "all", "--unplanned", "--source-is-down", "--json")
            return perf_counter() - start


def plain_seconds() -> float:
    """All begun at once, until the last agent has answered."""
    with two_hosts() as (_north, south):
        guests = [Guest(south, f"plain{number}", _RECIPE) for number in range(PLAN_OF)]
        start = perf_counter()
        with ThreadPoolExecutor(PLAN_OF) as pool:
            list(pool.map(Guest.start, guests))
        return perf_counter() - start


@contextmanager
def _replicated(sites: TwoSites, names: list[str]) -> Iterator[None]:
    """One after the other, for the machine has but so much to give; then their host is gone."""
    north = sites.north
    for name in names:
        guest = Guest(north.host, name, _RECIPE)
        guest.start()
        words = ("--to", "south", "--every", "15m", "--app-every", "never")
        north.run("replication", "enable", name, *words)
        # It takes the processors from those to come, and its point is there.
        _end(north.host, name)
    north.kill()
    yield


def _end(host: KvmHost, name: str) -> None:
    host.kill_guest(name)
