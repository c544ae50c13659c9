"""Two servers on one PostgreSQL: a person at the one, the machine's agent at the other."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from holdfast.testing.fleet import FleetServer
from holdfast.testing.postgres import Postgres
from tests.browsing_office import SECRET, Office

pytestmark = [pytest.mark.real, pytest.mark.slow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """`office` is at the server that all agents come to; the person is at the other one."""

    office: Office
    person: httpx.Client
    database: str
    source: Path
    point: str

    def inside(self) -> str:
        return f"/machines/{self.office.ids['alpha']}/points/{self.point}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Town]:
    root, database = tmp_path_factory.mktemp("town"), postgres.new_database()
    with (
        FleetServer(root / "first", database, workflows=False) as first,
        FleetServer(root / "second", database, keys_of=first, workflows=False) as second,
        second.client() as person,
    ):
        office = Office(root, first)
        for name in ("alpha", "beta"):
            office.register(name).start()
        office.wait_for_agents()
        source = root / "alpha" / "source"
        source.mkdir()
        (source / "a-telling-name.txt").write_text("content", encoding="utf-8")
        point = office.backed_up("alpha", source)
        yield Town(office=office, person=person, database=database, source=source, point=point)
        sys.stderr.write(office.close())


def test_question_finds_the_agent_at_the_other_server(town: Town) -> None:
    found = town.office.asked(f"{town.inside()}/files?path={town.source}", client=town.person)

    assert found.is_success, found.text
    assert [one["name"] for one in found.json()["items"]] == ["a-telling-name.txt"]


def test_what_was_typed_here_is_fetched_from_there(town: Town) -> None:
    opened = town.office.unlock(SECRET.format(name="alpha"), client=town.person)
    assert opened.status_code == 201, opened.text

    path = f"{town.inside()}/files?path={town.source}&unlock={opened.json()['id']}"
    found = town.office.asked(path, client=town.person)

    assert found.is_success, found.text
    assert found.json()["total"] == 1


def test_job_that_needs_the_passphrase_gets_it_too(town: Town) -> None:
    opened = town.office.unlock(SECRET.format(name="alpha"), client=town.person)
    target = town.office.root / "back"
    order = {"point": town.point, "to": str(target), "unlock": opened.json()["id"]}
    machine = town.office.ids["alpha"]

    job = town.person.post(f"/api/v1/machines/{machine}/restores", json=order)

    assert job.is_success, job.text
    ended = town.office.wait_for(job.json())
    assert ended["job"]["state"] in ("done", "warnings"), ended
    assert [one.name for one in target.rglob("*.txt")] == ["a-telling-name.txt"]


def test_nothing_of_question_or_answer_is_in_any_table(town: Town) -> None:
    path = f"{town.inside()}/files?path={town.source}&name=a-telling"
    assert town.office.asked(path, client=town.person).is_success

    with psycopg.connect(town.database.replace("+psycopg", "")) as connection:
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in names:
            rows = connection.execute(f'SELECT t::text FROM "{schema}"."{table}" t').fetchall()
            assert not [row for row in rows if "a-telling" in row[0]], table
