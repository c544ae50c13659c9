"""The tables made at once, for tests and trials; a server's own state is migrated."""

import functools
import sqlite3
from contextlib import closing

from sqlalchemy import StaticPool, create_engine, inspect

from holdfast.catalog.database import Database
from holdfast.catalog.tables import Table


def create_tables(database: Database) -> None:
    if database.is_sqlite and not inspect(database.engine).get_table_names():
        _copy_into(database)
    else:
        Table.metadata.create_all(database.engine)


def _copy_into(database: Database) -> None:
    """At one stroke: made one by one, each table waits until the disk has it."""
    with (
        closing(sqlite3.connect(":memory:")) as empty,
        closing(database.engine.raw_connection()) as connection,
    ):
        empty.deserialize(_with_tables())
        there = connection.driver_connection
        assert isinstance(there, sqlite3.Connection)
        empty.backup(there)


@functools.cache
def _with_tables() -> bytes:
    """A database of SQLite as it lies in its file, with all tables and no rows."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Table.metadata.create_all(engine)
    with closing(engine.raw_connection()) as connection:
        made = connection.driver_connection
        assert isinstance(made, sqlite3.Connection)
        whole = made.serialize()
    engine.dispose()
    return whole
