"""Words that servers on one PostgreSQL say to each other: heard by whoever listens, kept nowhere."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import text

from holdfast.catalog.database import Database

_log = logging.getLogger(__name__)
# PostgreSQL takes no notice of 8000 bytes.
LONGEST = 7900
_TICK = 1.0
_PAUSE = 2.0
_SAY = text("SELECT pg_notify(:channel, word) FROM unnest(CAST(:words AS text[])) AS word")


class Notices:
    """A database that is SQLite has one server, and nobody to talk to."""

    def __init__(self, database: Database, channel: str) -> None:
        self._database, self._channel = database, channel

    def say(self, words: Sequence[str]) -> None:
        """All of them arrive in this order, or none."""
        with self._database.write() as db:
            db.execute(_SAY, {"channel": self._channel, "words": [*words]})

    @contextlib.contextmanager
    def heard_by(self, listener: Callable[[str], None]) -> Iterator[None]:
        """In a thread of its own, our own words as well; what is said while it is away is lost."""
        stop, hears = threading.Event(), threading.Event()
        thread = threading.Thread(
            target=self._listen, args=(listener, stop, hears), name="notices", daemon=True
        )
        thread.start()
        hears.wait(_PAUSE)
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _listen(
        self, listener: Callable[[str], None], stop: threading.Event, hears: threading.Event
    ) -> None:
        while not stop.is_set():
            try:
                with contextlib.closing(self._connected()) as connection:
                    connection.execute(f"LISTEN {self._channel}")
                    hears.set()
                    while not stop.is_set():
                        for notice in connection.notifies(timeout=_TICK):
                            _told(listener, notice.payload)
                            if stop.is_set():
                                return
            except Exception:
                # The database is away; questions from other servers come again when it is back.
                _log.warning("other servers are not heard", exc_info=True)
                stop.wait(_PAUSE)

    def _connected(self) -> Any:
        """Not of the pool: it listens for as long as it lives."""
        dialect = self._database.engine.dialect
        words, named = dialect.create_connect_args(self._database.url)
        connection: Any = dialect.connect(*words, **named)
        connection.autocommit = True
        return connection


def _told(listener: Callable[[str], None], word: str) -> None:
    try:
        listener(word)
    except Exception:
        _log.warning("a word of another server was not understood", exc_info=True)
