"""The connection to the server's state, and its two ways in: to read, and to write."""

import contextlib
import os
import select
import threading
from collections.abc import Iterator
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, exc, make_url
from sqlalchemy.orm import Session, sessionmaker

from holdfast.catalog.errors import DatabaseNotUnderstood, DatabaseUnavailable

__all__ = ["Database", "Session"]

_BUSY_SECONDS = 30
# One server process has about this many threads that ask at once.
_CONNECTIONS = 20
# A server that freezes in mid-transaction must not keep its locks from those who take over.
FROZEN_SECONDS = 10
_CONNECT_SECONDS = 10
_PRIVATE = 0o600
# One that was told nothing by its peer for so long is tried by the system, and given up.
_KEEPING_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
# What the driver says when the server, the disk or a lock is the trouble, and not the question.
_TROUBLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)


class Database:
    """`url` as SQLAlchemy takes it: sqlite:////path/state.db or postgresql://user@host/name."""

    def __init__(self, url: str) -> None:
        self.url = _understood(url)
        self.engine = _engine(self.url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        # Nothing is said around what is only read: no BEGIN before it, no ROLLBACK behind it. On
        # SQLite it is so anyway.
        reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        readers = self.engine if self.is_sqlite else reading
        self._readers = sessionmaker(readers, expire_on_commit=False, autoflush=False)
        event.listen(self._readers, "before_flush", _refuse_to_write)
        # SQLite lets those who wait for its one writer sleep and try again, up to a tenth of a
        # second each time; in line before it, each of our threads is woken when it is its turn.
        self._in_line = threading.RLock() if self.is_sqlite else contextlib.nullcontext()
        # Counts what this process committed: whoever keeps something read looks whether it moved.
        self.writes = 0

    def __str__(self) -> str:
        """The address, without a password in it."""
        return self.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that changes nothing; each of its statements sees what was committed by then."""
        with self.speaking(), self._readers() as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed at the end, or not at all when something is raised."""
        with self._in_line, self.speaking(), self._sessions() as session, session.begin():
            if self.is_sqlite:
                # A lock taken late, after a read, cannot wait for another writer: SQLite refuses.
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
        self.writes += 1

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """Trouble of the database comes out as an error of ours."""
        try:
            yield
        except _TROUBLE as err:
            cause = getattr(err, "orig", None) or err
            reason = str(cause).strip().partition("\n")[0]
            raise DatabaseUnavailable(database=str(self), reason=reason) from err

    def close(self) -> None:
        self.engine.dispose()


def _understood(url: str) -> URL:
    try:
        made = make_url(url)
        kind = made.get_backend_name()
    except exc.ArgumentError as err:
        # Whatever was typed may hold a password, so it is not repeated.
        raise DatabaseNotUnderstood(url="…", reason=type(err).__name__) from err
    if kind not in ("sqlite", "postgresql"):
        raise DatabaseNotUnderstood(url=f"{kind}:…", reason="this kind is not supported")
    return made


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _postgres_engine(url)
    _make_private_file(url.database)
    engine = create_engine(
        url,
        # One opened for a single request costs several times as much as the request.
        pool_size=2 * _CONNECTIONS,
        connect_args={"timeout": _BUSY_SECONDS},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _postgres_engine(url: URL) -> Engine:
    known: dict[str, int | str] = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "holdfast",
    }
    if "options" not in url.query:
        known["options"] = f"-c idle_in_transaction_session_timeout={FROZEN_SECONDS}s"
    engine = create_engine(
        url,
        # None is closed before the last of our threads has its own: opening one costs a process.
        pool_size=2 * _CONNECTIONS,
        max_overflow=0,
        skip_autocommit_rollback=True,
        # A statement that failed is logged; what it was about may be a secret.
        hide_parameters=True,
        connect_args=known | _KEEPING_ALIVE,
    )
    event.listen(engine, "checkout", _require_silent)
    return engine


def _require_silent(connection: Any, _record: object, _proxy: object) -> None:
    """One that has something to say while nobody asked is most likely saying goodbye.

    To look costs nothing, where asking the server costs as much as what is to be asked.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise exc.DisconnectionError("the server closed the connection")


def _refuse_to_write(session: Session, _context: object, _instances: object) -> None:
    raise RuntimeError(f"written while reading: {[*session.new, *session.dirty, *session.deleted]}")


def _make_private_file(path: str | None) -> None:
    """SQLite would make it readable for all; its journal files take the mode from it."""
    if path and path != ":memory:":
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: `write` says when, and how.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # In WAL mode a power cut can lose the last commits under NORMAL: an acknowledged act must last.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
