"""The server's state in a real SQLite and a real PostgreSQL."""

import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from holdfast.app.control.server_settings import ServerSettings
from holdfast.base.clock import SystemClock
from holdfast.catalog import clocks, migrating, workers
from holdfast.catalog.database import Database
from holdfast.catalog.errors import (
    DatabaseFromNewer,
    DatabaseNotUnderstood,
    DatabaseUnavailable,
)
from holdfast.catalog.migrating import open_database
from holdfast.catalog.tables import (
    Assignment,
    AuditEntry,
    Machine,
    Policy,
    Setting,
    Table,
    Vault,
    Worker,
)
from holdfast.server.running import assemble
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import client_of, make_plane
from holdfast.testing.postgres import Postgres
from tools.migration import difference

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()


def test_the_steps_lead_to_the_tables_the_code_declares(database: Database) -> None:
    script = difference(database)

    assert script.upgrade_ops is not None
    assert script.upgrade_ops.as_diffs() == [], "python -m tools.migration writes the step"


def test_what_was_assigned_before_machines_could_be_stays_as_it_was(database_url: str) -> None:
    older = Database(database_url)
    with migrating._locked(older) as connection:
        _run_until(connection, "0001_first")
    with older.write() as db:
        db.add(Vault(id="v", name="main", location="memory:v", created_at=NOON))
        db.flush()
        db.add(Machine(id="m", vault_id="v", name="alpha", registered_at=NOON, facts={}))
        db.add(Policy(id="p", vault_id="v", name="nightly", body={}, changed_at=NOON))
        db.flush()
        row = "'a', 'm', 'p', '[\"/etc\"]', '{}', false, '2026-01-01 12:00:00.000000'"
        names = "id, machine_id, policy_id, paths, options, is_paused, created_at"
        db.execute(text(f"INSERT INTO assignments ({names}) VALUES ({row})"))
    older.close()

    database = open_database(database_url)

    with database.read() as db:
        (found,) = db.query(Assignment).all()
        assert (found.paths, found.vms) == (["/etc"], [])
    database.close()


def _run_until(connection: Connection, step: str) -> None:
    """As `migrating` does, and no further."""
    script = migrating.steps()

    def plan(revision: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs(step, revision)

    with EnvironmentContext(Config(), script, fn=plan) as environment:
        environment.configure(connection=connection, target_metadata=Table.metadata)
        environment.run_migrations()


def test_a_second_start_changes_nothing(database: Database, database_url: str) -> None:
    with database.write() as db:
        db.add(Setting(key="kept", value={"as": "it was"}))

    again = open_database(database_url)

    with again.read() as db:
        kept = db.get(Setting, "kept")
    assert kept is not None
    assert kept.value == {"as": "it was"}
    again.close()


def test_servers_that_start_together_make_the_tables_once(database_url: str) -> None:
    trouble: list[BaseException] = []

    def start() -> None:
        try:
            open_database(database_url).close()
        except BaseException as err:
            trouble.append(err)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert trouble == []
    database = Database(database_url)
    assert set(inspect(database.engine).get_table_names()) >= set(Table.metadata.tables)
    database.close()


def test_a_database_of_a_newer_version_is_refused(database: Database, database_url: str) -> None:
    with database.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))

    with pytest.raises(DatabaseFromNewer, match="9999_future"):
        open_database(database_url)


@pytest.mark.faults
def test_a_step_that_fails_leaves_nothing_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: Connection, script: ScriptDirectory) -> None:
        run(connection, script)
        raise SystemExit(9)

    run = migrating._run
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "_run", half)
        with pytest.raises(SystemExit):
            open_database(database_url)

    database = Database(database_url)
    assert inspect(database.engine).get_table_names() == []
    database.close()


def test_moments_and_json_come_back_as_they_went(database: Database) -> None:
    said = {"name": "백업", "list": [1, None, {"deep": True}]}
    with database.write() as db:
        entry = AuditEntry(at=NOON, actor="server", act="start", detail=said)
        db.add(entry)

    with database.read() as db:
        found = db.get(AuditEntry, entry.id)

    assert found is not None
    assert (found.at, found.detail) == (NOON, said)


def test_what_raises_is_not_written(database: Database) -> None:
    def change_my_mind() -> None:
        with database.write() as db:
            db.add(Setting(key="half", value={}))
            db.flush()
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        change_my_mind()

    with database.read() as db:
        assert db.get(Setting, "half") is None


def test_writers_wait_for_each_other(database: Database) -> None:
    def add(name: str) -> None:
        for number in range(10):
            with database.write() as db:
                row = db.get(Setting, "sum", with_for_update=True)
                assert row is not None
                row.value = {"sum": row.value["sum"] + 1}
                db.add(Setting(key=f"{name}{number}", value={}))

    with database.write() as db:
        db.add(Setting(key="sum", value={"sum": 0}))
    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as db:
        found = db.get(Setting, "sum")
    assert found is not None
    assert found.value == {"sum": 40}


def test_the_file_is_for_nobody_else(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    with database.write() as db:
        db.add(Setting(key="one", value={}))

    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("state.db*")}

    assert modes == {0o600}
    database.close()


def test_a_worker_is_known_from_its_first_word_until_it_is_forgotten(database: Database) -> None:
    with database.write() as db:
        workers.begin(db, "alive", version="1", now=NOON)
        workers.begin(db, "dead", version="1", now=NOON - timedelta(seconds=10))

    with database.write() as db:
        workers.beat(db, "alive", version="1", now=NOON + timedelta(seconds=1))
    with database.read() as db:
        known = [(worker.executor_id, worker.seen_at) for worker in workers.every(db)]

    assert known == [
        ("alive", NOON + timedelta(seconds=1)),
        ("dead", NOON - timedelta(seconds=10)),
    ]
    with database.write() as db:
        workers.forget(db, "dead")
        assert workers.seen_since(db, NOON) == 1
        assert db.get(Worker, "dead") is None


def test_a_clock_that_is_off_the_databases_is_told_of(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.new_database()
    wrong = make_plane(tmp_path, clock=FakeClock(), database_url=url)

    app = assemble(wrong, ServerSettings(folder=str(tmp_path)))
    answer = client_of(wrong, app=app).get("/readyz").json()

    assert answer["parts"]["database"] == "ok"
    assert "apart" in answer["warnings"]["clock"]
    wrong.database.close()


def test_a_clock_that_is_right_is_nothing_to_tell_of(database: Database) -> None:
    assert clocks.apart(database, SystemClock()) < clocks.MOST_APART
    assert clocks.warning(database, SystemClock()) is None


@pytest.mark.faults
def test_a_stopped_database_is_an_error_of_ours_and_a_started_one_answers(
    postgres: Postgres,
) -> None:
    database = open_database(postgres.new_database())
    with database.read() as db:
        db.execute(text("SELECT 1"))
    postgres.kill()

    with pytest.raises(DatabaseUnavailable), database.read() as db:
        db.execute(text("SELECT 1"))
    postgres.start()

    with database.read() as db:
        assert db.execute(text("SELECT 1")).scalar() == 1
    database.close()


@pytest.mark.faults
def test_connections_that_ended_while_nobody_asked_are_replaced_unnoticed(
    postgres: Postgres,
) -> None:
    database = open_database(postgres.new_database())
    with database.read() as one, database.read() as other:
        one.execute(text("SELECT 1"))
        other.execute(text("SELECT 1"))
    postgres.stop()
    postgres.start()

    with database.read() as one, database.write() as other:
        found = one.execute(text("SELECT 1")).scalar(), other.execute(text("SELECT 2")).scalar()

    assert found == (1, 2)
    database.close()


def test_reading_writes_nothing(database: Database) -> None:
    def write() -> None:
        with database.read() as db:
            db.add(Setting(key="slipped in", value={}))
            db.flush()

    with pytest.raises(RuntimeError, match="written while reading"):
        write()

    with database.read() as db:
        assert db.get(Setting, "slipped in") is None


def test_an_address_that_is_none_is_refused_without_repeating_it() -> None:
    for url in ("nonsense with pass:word", "mysql://root:canary@host/x"):
        with pytest.raises(DatabaseNotUnderstood) as caught:
            Database(url)
        assert "canary" not in str(caught.value)
        assert "word" not in str(caught.value)


def test_a_password_in_the_address_is_never_shown() -> None:
    database = Database("postgresql://user:canary@127.0.0.1:1/none")

    with pytest.raises(DatabaseUnavailable) as caught, database.read() as db:
        db.execute(text("SELECT 1"))

    assert "canary" not in str(caught.value)
    assert "canary" not in str(database)


def test_server_that_freezes_in_a_transaction_does_not_keep_its_locks(postgres: Postgres) -> None:
    database = Database(postgres.new_database())

    with database.write() as db:
        limit = db.scalar(text("SHOW idle_in_transaction_session_timeout"))
    database.close()

    assert limit == "10s"
