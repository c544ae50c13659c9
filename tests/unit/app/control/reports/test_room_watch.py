"""People are told that a vault will be full while there is time."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.control.alert_rules import list_alerts
from holdfast.app.control.plane import Plane
from holdfast.app.control.reports.room_watch import watch_room
from holdfast.app.control.reports.sampling import sample_vaults
from holdfast.base.units import GIB
from holdfast.catalog import usage
from holdfast.catalog.tables import Vault
from holdfast.fleet.paging import Window
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_machine, add_vault, make_plane

DAY = timedelta(days=1).total_seconds()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


def grown(plane: Plane, clock: FakeClock, *, quota: int) -> str:
    """A vault to which ten days added a GiB each."""
    vault = add_vault(plane, "main", quota_bytes=quota)
    machine = add_machine(plane, vault).id
    for _day in range(10):
        with plane.database.write() as db:
            usage.add(db, machine, size=GIB, files=1)
        sample_vaults(plane)
        clock.sleep(DAY)
    return vault


def opened(plane: Plane) -> list[str]:
    page = list_alerts(plane, add_admin(plane).actor, Window(), is_open=True)
    return [one.sentence for one in page.items]


def test_a_vault_that_fills_is_told_of_with_the_day(plane: Plane, clock: FakeClock) -> None:
    grown(plane, clock, quota=20 * GIB)

    assert watch_room(plane) == 1
    (said,) = opened(plane)
    assert said.startswith("main will be full on 2026-01-2")
    assert said.endswith("10.0 GiB of 20.0 GiB used.")


def test_it_is_one_alert_however_often_it_is_seen(plane: Plane, clock: FakeClock) -> None:
    grown(plane, clock, quota=20 * GIB)

    for _hour in range(3):
        watch_room(plane)
        clock.sleep(3600)

    assert len(opened(plane)) == 1


def test_it_closes_when_there_is_room_again(plane: Plane, clock: FakeClock) -> None:
    vault = grown(plane, clock, quota=20 * GIB)
    watch_room(plane)
    with plane.database.write() as db:
        db.get_one(Vault, vault).quota_bytes = 900 * GIB

    assert watch_room(plane) == 0
    assert opened(plane) == []


def test_of_a_vault_with_room_nobody_is_told(plane: Plane, clock: FakeClock) -> None:
    grown(plane, clock, quota=500 * GIB)

    assert watch_room(plane) == 0
    assert opened(plane) == []


def test_of_a_vault_that_is_new_nobody_is_told(plane: Plane) -> None:
    add_vault(plane, "main", quota_bytes=1)

    assert watch_room(plane) == 0
