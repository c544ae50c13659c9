"""The server's state in SQL: tables, queries, migrations; SQLite or PostgreSQL, one schema."""
