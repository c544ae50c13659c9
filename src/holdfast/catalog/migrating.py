"""Bring a database to the tables of this version, once, however many servers start together."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from holdfast.catalog import migrations
from holdfast.catalog.database import Database
from holdfast.catalog.errors import DatabaseFromNewer
from holdfast.catalog.tables import Table

# Any number will do, as long as every server takes the same: "hold" in ASCII.
_LOCK = 0x686F6C64


def open_database(url: str) -> Database:
    """The database at the address, with the tables of this version."""
    database = Database(url)
    try:
        with database.speaking():
            upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def upgrade(database: Database) -> None:
    with _locked(database) as connection:
        script = steps()
        found = MigrationContext.configure(connection).get_current_heads()
        _refuse_newer(database, script, found)
        # Rows that exist are not to be looked at when nothing is to be done: every start comes by.
        if found != (head(script),):
            _run(connection, script)


def steps() -> ScriptDirectory:
    return ScriptDirectory(str(Path(migrations.__path__[0])))


def head(script: ScriptDirectory | None = None) -> str:
    """The name of the newest step this version knows."""
    newest = (script or steps()).get_current_head()
    assert newest is not None
    return newest


def _run(connection: Connection, script: ScriptDirectory) -> None:
    def plan(revision: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs("head", revision)  # noqa: SLF001  what alembic's own command calls

    with EnvironmentContext(Config(), script, fn=plan) as environment:
        environment.configure(
            connection=connection, target_metadata=Table.metadata, render_as_batch=True
        )
        environment.run_migrations()


def _refuse_newer(database: Database, script: ScriptDirectory, found: tuple[str, ...]) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    if strange := set(found) - known:
        raise DatabaseFromNewer(database=str(database), found=", ".join(sorted(strange)))


@contextlib.contextmanager
def _locked(database: Database) -> Iterator[Connection]:
    """One transaction that no other migration can run beside."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection
            return
        # A table made anew would take the rows that point at it with it.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
        finally:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
