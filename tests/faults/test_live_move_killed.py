"""Each victim at each moment of a live move, and the power of either host: on its way among them.

The move is begun, one of them is killed at a moment, and it goes on to the next or is begun again,
until nothing is left to be killed.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from holdfast.recovery.record import Stage
from holdfast.testing.hosts import KvmHost
from tests import machines_bench
from tests.circle_acts import FAILBACK_LIVE, LIVE, NAME
from tests.circle_bench import Circle, Victim, assert_at_rest, circle
from tests.live_hunt import (
    BURDEN,
    HUNTED,
    SLOW,
    Gate,
    HomeHunt,
    Hunt,
    Moment,
    deaths,
)

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Gate]:
    """One for each host."""
    return {name: Gate(tmp_path_factory.mktemp(name)) for name in ("north", "south")}


@pytest.fixture(scope="module")
def going(own_hosts: tuple[KvmHost, KvmHost], gates: dict[str, Gate]) -> Iterator[Circle]:
    with circle(own_hosts, NAME, *SLOW, burden=BURDEN) as made:
        for name, gate in gates.items():
            gate.put_up(made, name)
        yield made


def leaving(going: Circle, gates: dict[str, Gate], left: list[tuple[Moment, Victim]]) -> Hunt:
    images = {target: disk.path for target, disk in going.home.disks.items()}
    return Hunt(going, gates["north"], LIVE, left, images)


@pytest.mark.parametrize("victims", HUNTED.values(), ids=HUNTED)
def test_killed_at_each_moment_it_stays_or_has_left_and_the_command_goes_on(
    going: Circle, gates: dict[str, Gate], victims: tuple[Victim, ...]
) -> None:
    hunt = leaving(going, gates, deaths(victims))
    # A machine that died at the site and was started there again has lost its record of changes.
    act = replace(LIVE, deaths=tuple((str(when), one) for when, one in hunt.left))
    with going.round():
        hunt.go_through()

        assert going.record("south").stage is Stage.FAILED_OVER
        going.assert_runs_once()
        going.assert_runs_on("south")
        assert_at_rest(going, act)
        hunt.undo()
        hunt.assert_stays()
        _assert_nothing_is_left(going)


@pytest.mark.parametrize("victims", HUNTED.values(), ids=HUNTED)
def test_killed_at_each_moment_of_its_way_home_it_stays_or_is_there(
    going: Circle, gates: dict[str, Gate], victims: tuple[Victim, ...]
) -> None:
    hunt = HomeHunt(going, gates["south"], FAILBACK_LIVE, deaths(victims))
    with going.round():
        hunt.go_away()
        hunt.go_through()

        assert going.record("north").stage is Stage.COMMITTED
        going.assert_runs_once()
        going.assert_runs_on("north")
        assert_at_rest(going, FAILBACK_LIVE)
        hunt.go_home()
        _assert_nothing_is_left(going)


def test_the_next_command_after_a_power_cut_of_the_site_moves_it(
    going: Circle, gates: dict[str, Gate]
) -> None:
    """All that the site has heard by then is that it was on its way."""
    hunt = leaving(going, gates, [(Moment.MIGRATING, Victim.HOST)])
    with going.round():
        assert not hunt.has_moved()
        assert not hunt.left
        going.revive()

        assert hunt.has_moved(), hunt.errors

        going.assert_runs_on("south")
        hunt.undo()
        hunt.assert_stays()
        _assert_nothing_is_left(going)


def _assert_nothing_is_left(going: Circle) -> None:
    """Of any try, on either host."""
    images = {disk.path.name for disk in going.home.disks.values()}
    assert {path.name for path in going.home.folder.iterdir()} == {"firmware", *images}
    for station in (going.sites.north, going.sites.south):
        assert not (station.home / "recovery" / going.uuid / "doors.json").exists()
        assert "holdfast-live" not in station.host.run("ls", "/run")
    assert not list((going.sites.south.replicas / going.uuid / "running").glob("*"))
