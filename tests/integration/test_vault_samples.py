"""Samples of vaults in a real SQLite and a real PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.catalog import removal, vault_samples, weeks
from holdfast.catalog.database import Database
from holdfast.catalog.migrating import open_database
from holdfast.catalog.tables import Machine, Vault
from holdfast.catalog.weeks import Span

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    with database.write() as db:
        for name in ("one", "two"):
            db.add(Vault(id=name, name=name, location=f"memory:{name}", created_at=NOON))
    yield database
    database.close()


def sample(vault: str, at: datetime, size: int = 1) -> dict[str, object]:
    counts = {"seconds": vault_samples.HOUR, "files_stored": 1, "machines": 1}
    rooms = {"disk_free": None, "disk_total": 1 << 50}
    return {"vault_id": vault, "at": at, "bytes_stored": size, **counts, **rooms}


def test_two_servers_note_one_hour_once(database: Database) -> None:
    for size in (1, 2):
        with database.write() as db:
            vault_samples.add(db, [sample("one", NOON, size), sample("two", NOON, size)])

    with database.read() as db:
        found = vault_samples.since(db, NOON)
    assert {vault: [one.bytes_stored for one in some] for vault, some in found.items()} == {
        "one": [1],
        "two": [1],
    }


def test_each_vault_keeps_the_last_of_a_day(database: Database) -> None:
    hours = [NOON + number * HOUR for number in range(30)]
    with database.write() as db:
        vault_samples.add(db, [sample("one", at) for at in hours])
        vault_samples.add(db, [sample("two", at) for at in hours[:3]])

    turns = []
    for _turn in range(3):
        with database.write() as db:
            turns.append(vault_samples.thin(db, NOON.replace(hour=0) + DAY))

    with database.read() as db:
        found = vault_samples.since(db, NOON - DAY)
    days = {
        vault: [one.at for one in some if one.seconds == vault_samples.DAY]
        for vault, some in found.items()
    }
    assert turns == [13, 0, 0]
    assert days == {"one": [NOON.replace(hour=23)], "two": [NOON + 2 * HOUR]}


def test_samples_go_with_their_vault(database: Database) -> None:
    with database.write() as db:
        vault_samples.add(db, [sample("one", NOON), sample("two", NOON)])
        removal.remove_vault(db, "one")

    with database.read() as db:
        assert list(vault_samples.since(db, NOON)) == ["two"]


def test_a_vault_is_held_with_what_its_machines_store(database: Database) -> None:
    with database.write() as db:
        for number, state in enumerate(("active", "active", "unregistered")):
            machine = Machine(
                id=f"m{number}", vault_id="one", name="m", registered_at=NOON, facts={}, state=state
            )
            machine.bytes_stored, machine.files_stored = 1 << 40, 2
            db.add(machine)

    with database.read() as db:
        found = vault_samples.held(db)

    assert [(one.vault.id, one.size, one.files, one.machines) for one in found] == [
        ("one", 3 << 40, 6, 2),
        ("two", 0, 0, 0),
    ]


def test_a_week_without_anything_is_asked_for_in_peace(database: Database) -> None:
    week = Span(begin=NOON - 7 * DAY, end=NOON)
    with database.read() as db:
        for among in (None, frozenset({"one"}), frozenset[str]()):
            assert weeks.counts(db, week, among) == {}
            assert weeks.failures(db, week, among) == []
            assert weeks.last_good(db, week.begin, among) == {}
            assert weeks.added(db, week, among, limit=5) == []
            assert weeks.points_taken(db, week, among) == 0
            assert weeks.alerts_of(db, week, among, kinds=("purged",)) == []
        assert weeks.behind(db, week) == {}
