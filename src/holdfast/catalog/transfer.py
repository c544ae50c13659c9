"""All rows of the state, out of one database and into another of any kind."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from holdfast.catalog.database import Database
from holdfast.catalog.tables import Table as Declared
from holdfast.catalog.tables import Worker
from holdfast.catalog.types import Moment

_BATCH = 500
# Which processes are alive is no part of the state.
_LEFT_OUT = frozenset((Worker.__tablename__,))

__all__ = ["Connection"]

Row = list[Any]


@contextlib.contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """One instant of the whole state, while others go on writing."""
    with database.speaking(), database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        try:
            yield connection
        finally:
            connection.rollback()


@contextlib.contextmanager
def filling(database: Database) -> Iterator[Connection]:
    """One transaction that fills an empty database, or leaves it as it was."""
    with database.speaking(), database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.commit()


def table_names() -> list[str]:
    """In an order in which each row finds the rows it points at."""
    return [str(table.name) for table in _tables()]


def columns_of(name: str) -> list[str]:
    return [str(column.name) for column in Declared.metadata.tables[name].columns]


def batches(connection: Connection, name: str) -> Iterator[list[Row]]:
    table = Declared.metadata.tables[name]
    wanted = select(table).order_by(*table.primary_key.columns)
    with connection.execute(wanted, execution_options={"yield_per": _BATCH}) as found:
        for rows in found.partitions(_BATCH):
            yield [list(row) for row in rows]


def add(connection: Connection, name: str, columns: list[str], rows: list[Row]) -> None:
    table = Declared.metadata.tables[name]
    moments = {c.name for c in table.columns if isinstance(c.type, Moment)}
    values = [
        {
            column: datetime.fromisoformat(value) if column in moments and value else value
            for column, value in zip(columns, row, strict=True)
        }
        for row in rows
    ]
    connection.execute(insert(table), values)


def is_empty(connection: Connection) -> bool:
    counts = (connection.scalar(select(func.count()).select_from(table)) for table in _tables())
    return not any(counts)


def go_on_counting(connection: Connection) -> None:
    """PostgreSQL counts beside the table: it must not give out a number that is taken."""
    if connection.dialect.name != "postgresql":
        return
    for table in _tables():
        for column in table.primary_key.columns:
            if column.autoincrement is True:
                counter = func.pg_get_serial_sequence(table.name, column.name)
                highest = select(func.coalesce(func.max(column), 1)).scalar_subquery()
                connection.execute(select(func.setval(counter, highest)))


def _tables() -> list[Table]:
    return [table for table in Declared.metadata.sorted_tables if table.name not in _LEFT_OUT]
