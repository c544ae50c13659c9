"""How much vaults hold, how fast they grow, and until when there is room."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.plane import Plane
from holdfast.app.control.reports.capacity import Capacity, forecast
from holdfast.app.control.reports.capacity_page import capacity_page
from holdfast.app.control.reports.capacity_text import capacity_text
from holdfast.app.control.reports.sampling import room_below, sample_vaults, thin_samples
from holdfast.base.texts import speaking
from holdfast.base.units import GIB
from holdfast.catalog import usage
from holdfast.catalog import vault_samples as sample_rows
from holdfast.catalog.tables import VaultSample
from holdfast.fleet.roles import Role
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_machine, add_person, add_vault, make_plane

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


def kept(plane: Plane) -> list[VaultSample]:
    with plane.database.read() as db:
        return list(db.query(VaultSample).order_by(VaultSample.at))


def grow(plane: Plane, clock: FakeClock, machine: str, *sizes: int) -> None:
    """A day each, with this much more at its end."""
    for size in sizes:
        with plane.database.write() as db:
            usage.add(db, machine, size=size, files=1)
        sample_vaults(plane)
        clock.sleep(DAY.total_seconds())


def asked(plane: Plane) -> Capacity:
    return forecast(plane, add_admin(plane).actor)


def test_a_vault_is_noted_once_an_hour(plane: Plane, clock: FakeClock) -> None:
    machine = add_machine(plane, add_vault(plane)).id
    with plane.database.write() as db:
        usage.add(db, machine, size=70, files=2)

    for _twenty_minutes in range(6):
        sample_vaults(plane)
        clock.sleep(1200)

    assert [(one.bytes_stored, one.files_stored, one.machines) for one in kept(plane)] == [
        (70, 2, 1),
        (70, 2, 1),
    ]


def test_old_hours_become_one_sample_a_day(plane: Plane, clock: FakeClock) -> None:
    add_vault(plane)
    for _eight_hours in range(12 * 3):
        sample_vaults(plane)
        clock.sleep(8 * HOUR.total_seconds())

    thin_samples(plane)

    found = kept(plane)
    days = [one for one in found if one.seconds == sample_rows.DAY]
    assert [one.at.hour for one in days] == [20] * len(days)
    assert len({one.at.date() for one in days}) == len(days) >= 3
    assert all(
        plane.clock.now() - one.at < 10 * DAY for one in found if one.seconds == sample_rows.HOUR
    )


def test_samples_are_not_kept_for_ever(plane: Plane, clock: FakeClock) -> None:
    add_vault(plane)
    sample_vaults(plane)
    clock.sleep(801 * DAY.total_seconds())

    thin_samples(plane)

    assert kept(plane) == []


def test_room_is_known_of_a_folder_alone(tmp_path: Path) -> None:
    found = room_below(str(tmp_path))

    assert found is not None
    assert 0 < found.free <= found.total
    assert room_below("memory:here") is None
    assert room_below(str(tmp_path / "gone")) is None


def test_forecast_says_when_the_quota_is_reached(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane, quota_bytes=30 * GIB)
    grow(plane, clock, add_machine(plane, vault).id, *[GIB] * 20)

    (found,) = asked(plane).vaults

    (limit,) = found.limits
    assert (limit.of, limit.used, limit.outlook) == ("quota", 20 * GIB, "soon")
    assert found.growth is not None
    assert found.growth.per_day == pytest.approx(GIB, rel=0.1)
    assert limit.expected is not None
    left = limit.expected - plane.clock.now()
    assert 8 * DAY <= left <= 12 * DAY


def test_of_a_new_vault_nothing_is_foretold(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane, quota_bytes=GIB)
    grow(plane, clock, add_machine(plane, vault).id, 1000, 1000)

    (found,) = asked(plane).vaults

    assert found.growth is None
    assert found.ahead == []
    assert found.limits[0].outlook == "unknown"
    assert found.limits[0].expected is None


def test_a_full_vault_is_full_whatever_is_known(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane, quota_bytes=1000)
    grow(plane, clock, add_machine(plane, vault).id, 1000)

    (found,) = asked(plane).vaults

    assert found.limits[0].outlook == "full"
    assert found.limits[0].expected == plane.clock.now().astimezone(UTC)


def test_a_folder_is_measured_by_all_that_fills_its_disk(
    plane: Plane, clock: FakeClock, tmp_path: Path
) -> None:
    add_vault(plane, location=str(tmp_path))
    for _day in range(10):
        sample_vaults(plane)
        clock.sleep(DAY.total_seconds())

    (found,) = asked(plane).vaults

    assert [one.of for one in found.limits] == ["disk"]
    assert found.disk_total is not None
    assert found.limits[0].limit == found.disk_total


def test_what_needs_room_first_comes_first(plane: Plane, clock: FakeClock) -> None:
    for name, quota in (("roomy", None), ("tight", 12 * GIB), ("wide", 900 * GIB)):
        vault = add_vault(plane, name, quota_bytes=quota)
        add_machine(plane, vault, name)
    with plane.database.read() as db:
        machines = [one.vault.name for one in sample_rows.held(db)]
    for _day in range(10):
        with plane.database.write() as db:
            for one in sample_rows.held(db):
                for machine in _machines(db, one.vault.id):
                    usage.add(db, machine, size=GIB, files=1)
        sample_vaults(plane)
        clock.sleep(DAY.total_seconds())

    assert machines == ["roomy", "tight", "wide"]
    assert [one.vault for one in asked(plane).vaults] == ["tight", "wide", "roomy"]


def _machines(db: Any, vault_id: str) -> list[str]:
    from holdfast.catalog import removal

    return list(removal.machine_ids(db, vault_id))


def test_a_reader_is_told_of_vaults_of_their_own(plane: Plane) -> None:
    mine, other = add_vault(plane, "mine"), add_vault(plane, "other")
    reader = add_person(plane, role=Role.READER, vault_id=mine).actor

    found = forecast(plane, reader)

    assert [one.vault for one in found.vaults] == ["mine"]
    with pytest.raises(NotAllowed):
        forecast(plane, reader, vault=other)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_page_asks_nobody_and_says_what_it_draws(plane: Plane, clock: FakeClock, lang: str) -> None:
    vault = add_vault(plane, "<main>", quota_bytes=30 * GIB)
    grow(plane, clock, add_machine(plane, vault).id, *[GIB, 2 * GIB] * 6)
    found = asked(plane)

    with speaking(lang):
        page = capacity_page(found, zone=UTC)

    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<main>" not in page.replace("<main>\n", "")
    assert page.count("<svg") == 2
    assert 'role="img"' in page
    assert f'lang="{lang}"' in page


def test_text_says_the_day_and_how_sure_it_is(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane, "main", quota_bytes=30 * GIB)
    grow(plane, clock, add_machine(plane, vault).id, *[GIB, 2 * GIB] * 6)
    add_vault(plane, "new")

    said = capacity_text(asked(plane), zone=UTC)

    assert "main: 18.0 GiB stored, +" in said
    assert "18.0 GiB of 30.0 GiB used, 60 %" in said
    assert "; between 2026-" in said or "at the earliest" in said
    assert "new: 0 B stored, less than a week is known." in said


def test_moments_are_told_in_the_zone_of_whom_it_is_for(plane: Plane) -> None:
    from zoneinfo import ZoneInfo

    add_vault(plane)
    made = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert plane.clock.now() == made

    page = capacity_page(asked(plane), zone=ZoneInfo("Asia/Seoul"))

    assert "Made on 2026-01-01 21:00" in page
