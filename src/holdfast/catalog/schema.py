"""The tables made at once, for tests and trials; a server's own state is migrated."""

from holdfast.catalog.database import Database
from holdfast.catalog.tables import Table


def create_tables(database: Database) -> None:
    Table.metadata.create_all(database.engine)
