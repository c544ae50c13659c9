"""What an agent has to do, does and did: on disk before anything is done about it.

Every call is one transaction, flushed before it returns. Where the disk refuses, the journal goes
on in memory and says so: the jobs of a machine whose disk is full matter more than their record.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from holdfast.agent.jobs import Job
from holdfast.fleet.messages import Line

_T = TypeVar("_T")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, created REAL NOT NULL, is_over INTEGER NOT NULL, source TEXT NOT NULL,
    number INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_open ON jobs (is_over);
CREATE TABLE IF NOT EXISTS lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, is_sent INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS lines_of ON lines (job, is_sent);
CREATE TABLE IF NOT EXISTS occurrences (
    assignment TEXT NOT NULL, what TEXT NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (assignment, what, key));
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_MOST_LINES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One moment of one schedule, which is answered with one job at most."""

    assignment: str
    what: str
    key: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """A job's state and new lines that the server does not know yet."""

    job: Job
    lines: list[Line]
    last_line: int


class Journal:
    """One SQLite file. All methods may be called from any thread."""

    def __init__(self, path: str, *, warn: Callable[[str], None]) -> None:
        self._path = path
        self._warn = warn
        self._lock = threading.RLock()
        # Why the journal lies in memory; None: it lies where it should.
        self.trouble: str | None = None
        # Counts the writes: who sees it grown knows that there is something to tell.
        self.version = 0
        self._db = self._opened()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, job: Job, occurrence: Occurrence | None = None) -> bool:
        """Take in a new job; False if it, or the moment it answers, is known already."""

        def write(db: sqlite3.Connection) -> bool:
            if db.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone():
                return False
            if occurrence and not _is_first(db, occurrence):
                return False
            _insert(db, replace(job, number=1))
            return True

        return self._written(write)

    def save(self, job: Job, lines: list[Line] | None = None) -> Job:
        """Note the job's new state, and what it said since; the job with its new number."""

        def write(db: sqlite3.Connection) -> Job:
            changed = replace(job, number=_number(db, job.id) + 1)
            _update(db, changed)
            bodies = [(job.id, msgspec.json.encode(line)) for line in lines or ()]
            db.executemany("INSERT INTO lines (job, body) VALUES (?, ?)", bodies)
            return changed

        return self._written(write)

    def find(self, job_id: str) -> Job | None:
        rows = self._read("SELECT body FROM jobs WHERE id = ?", job_id)
        return _job(rows[0][0]) if rows else None

    def open_jobs(self) -> list[Job]:
        """Those that are not over, oldest first."""
        rows = self._read("SELECT body FROM jobs WHERE NOT is_over ORDER BY created, rowid")
        return [_job(body) for (body,) in rows]

    def latest(self, most: int) -> list[Job]:
        """The jobs made last, newest first."""
        rows = self._read("SELECT body FROM jobs ORDER BY created DESC, rowid DESC LIMIT ?", most)
        return [_job(body) for (body,) in rows]

    def undelivered(self) -> list[str]:
        """Ids of the jobs whose newest state the server has not taken in, oldest first."""
        wanted = "SELECT id FROM jobs WHERE delivered < number ORDER BY created, rowid"
        return [job_id for (job_id,) in self._read(wanted)]

    def unsaid(self, job_id: str) -> Unsaid | None:
        with self._lock:
            job = self.find(job_id)
            rows = self._read(
                "SELECT id, body FROM lines WHERE job = ? AND NOT is_sent ORDER BY id LIMIT ?",
                job_id,
                _MOST_LINES,
            )
        lines = [msgspec.json.decode(body, type=Line) for _id, body in rows]
        if job is None:
            return None
        return Unsaid(job=job, lines=lines, last_line=rows[-1][0] if rows else 0)

    def delivered(self, told: Unsaid) -> bool:
        """The server has this; whether there is more to say."""

        def write(db: sqlite3.Connection) -> bool:
            mine = (told.job.id, told.last_line)
            db.execute("UPDATE lines SET is_sent = 1 WHERE job = ? AND id <= ?", mine)
            rest = "SELECT 1 FROM lines WHERE job = ? AND NOT is_sent LIMIT 1"
            if db.execute(rest, (told.job.id,)).fetchone():
                return True
            known = (told.job.number, told.job.id)
            db.execute("UPDATE jobs SET delivered = ? WHERE id = ?", known)
            return False

        return self._written(write)

    def say_again(self, job_id: str, *, above: int) -> None:
        """The server lost what it had, or has a higher number: all is sent once more."""

        def write(db: sqlite3.Connection) -> None:
            (body,) = db.execute("SELECT body FROM jobs WHERE id = ?", (job_id,)).fetchone()
            _update(db, replace(_job(body), number=max(_number(db, job_id), above) + 1))
            db.execute("UPDATE jobs SET delivered = 0 WHERE id = ?", (job_id,))
            db.execute("UPDATE lines SET is_sent = 0 WHERE job = ?", (job_id,))

        self._written(write)

    def last_occurrence(self, assignment: str, what: str) -> datetime | None:
        """When the newest answered moment of a schedule was."""
        wanted = "SELECT max(at) FROM occurrences WHERE assignment = ? AND what = ?"
        ((at,),) = self._read(wanted, assignment, what)
        return datetime.fromisoformat(at) if at else None

    def recall(self, name: str) -> str | None:
        rows = self._read("SELECT value FROM facts WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def remember(self, name: str, value: str) -> None:
        self._written(
            lambda db: db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
        )

    def forget_before(self, moment: datetime) -> None:
        """Remove old jobs that the server knows, and moments long past except the last."""

        def write(db: sqlite3.Connection) -> None:
            when = (moment.timestamp(),)
            db.execute(
                "DELETE FROM jobs WHERE is_over AND delivered >= number AND created < ?", when
            )
            db.execute("DELETE FROM lines WHERE job NOT IN (SELECT id FROM jobs)")
            db.execute(
                "DELETE FROM occurrences WHERE at < ? AND at < (SELECT max(at) FROM occurrences o "
                "WHERE o.assignment = occurrences.assignment AND o.what = occurrences.what)",
                (_text(moment),),
            )

        self._written(write)

    def return_to_disk(self) -> None:
        """If it lies in memory: try whether the disk takes it again."""
        with self._lock:
            if self.trouble is None:
                return
            with contextlib.suppress(sqlite3.Error):
                file = _connected(self._path)
                self._db.backup(file)
                self._db.close()
                self._db, self.trouble = file, None

    def _opened(self) -> sqlite3.Connection:
        try:
            return _connected(self._path)
        except sqlite3.DatabaseError as err:
            if isinstance(err, sqlite3.OperationalError):
                return self._in_memory(err)
        # What is damaged cannot be trusted in any part; somebody may still want to look at it.
        self._warn(f"the journal {self._path} was damaged and is begun anew")
        with contextlib.suppress(OSError):
            os.replace(self._path, f"{self._path}.damaged")
            for beside in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(self._path + beside)
        try:
            return _connected(self._path)
        except sqlite3.DatabaseError as err:
            return self._in_memory(err)

    def _in_memory(self, err: Exception) -> sqlite3.Connection:
        from holdfast.agent.errors import JournalUnusable

        self.trouble = str(JournalUnusable(file=self._path, reason=err))
        self._warn(self.trouble)
        return _connected(":memory:")

    def _written(self, write: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._lock:
            self.version += 1
            try:
                with _transaction(self._db):
                    return write(self._db)
            except sqlite3.DatabaseError as err:
                if self.trouble is not None or isinstance(err, sqlite3.IntegrityError):
                    raise
                self._retreat(err)
                with _transaction(self._db):
                    return write(self._db)

    def _retreat(self, err: sqlite3.DatabaseError) -> None:
        file, memory = self._db, self._in_memory(err)
        with contextlib.suppress(sqlite3.Error):
            file.backup(memory)
        with contextlib.suppress(sqlite3.Error):
            file.close()
        self._db = memory

    def _read(self, wanted: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(wanted, values).fetchall()


def _connected(path: str) -> sqlite3.Connection:
    # Autocommit: transactions are begun by name, so that each is one and is seen to be one.
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    if path != ":memory:":
        os.chmod(path, 0o600)
    return db


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _is_first(db: sqlite3.Connection, one: Occurrence) -> bool:
    row = (one.assignment, one.what, one.key, _text(one.at))
    return db.execute("INSERT OR IGNORE INTO occurrences VALUES (?, ?, ?, ?)", row).rowcount == 1


def _insert(db: sqlite3.Connection, job: Job) -> None:
    row = (
        job.id,
        job.created_at.timestamp(),
        job.state.is_over,
        job.source,
        job.number,
        _body(job),
    )
    db.execute(
        "INSERT INTO jobs (id, created, is_over, source, number, body) VALUES (?, ?, ?, ?, ?, ?)",
        row,
    )


def _number(db: sqlite3.Connection, job_id: str) -> int:
    # Not the caller's: who delivers may have raised it meanwhile.
    (number,) = db.execute("SELECT number FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return int(number)


def _update(db: sqlite3.Connection, job: Job) -> None:
    row = (job.state.is_over, job.number, _body(job), job.id)
    db.execute("UPDATE jobs SET is_over = ?, number = ?, body = ? WHERE id = ?", row)


def _body(job: Job) -> bytes:
    return msgspec.json.encode(job)


def _job(body: object) -> Job:
    assert isinstance(body, bytes)
    return msgspec.json.decode(body, type=Job)


def _text(moment: datetime) -> str:
    # In one zone, texts sort as the moments do.
    return moment.astimezone(UTC).isoformat()
