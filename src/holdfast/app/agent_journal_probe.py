"""The agent's journal, read as it lies on the disk: how jobs ended, and what is not reported."""

import contextlib
import glob
import json
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.wiring import Session

Line = dict[str, object]
_LAST_JOBS = 50
_UNDELIVERED = "SELECT count(*), min(created) FROM jobs WHERE delivered < number"
_LATEST = "SELECT body FROM jobs ORDER BY created DESC, rowid DESC LIMIT ?"
# Of an error, what is no field of its own.
_NO_FIELDS = frozenset(("message", "remedy", "source_codes", "page", "finding"))


def journal_file(home: str) -> str:
    return os.path.join(AgentFolder.of(home).path, "agent.db")


@contextlib.contextmanager
def reading(home: str) -> Iterator[sqlite3.Connection]:
    """The journal, to be read only; a running agent is not disturbed."""
    place = f"file:{quote(journal_file(home))}?mode=ro"
    db = sqlite3.connect(place, uri=True, timeout=2)
    try:
        yield db
    finally:
        db.close()


def tell_jobs(session: Session) -> Iterator[Line]:
    home = session.settings.home
    file = journal_file(home)
    line: Line = {
        "holdfast": "agent-journal",
        "file": file,
        "put_aside": len(glob.glob(f"{glob.escape(file)}.damaged*")),
    }
    if not os.path.exists(file):
        yield {**line, "state": "missing"}
        return
    try:
        with reading(home) as db:
            found, jobs = _checked(db), [row[0] for row in db.execute(_LATEST, (_LAST_JOBS,))]
    except sqlite3.DatabaseError as err:
        is_damaged = not isinstance(err, sqlite3.OperationalError)
        yield {**line, "state": "damaged" if is_damaged else "unreadable", "reason": str(err)}
        return
    yield {**line, **found}
    yield from (_job(json.loads(body)) for body in reversed(jobs))


def _checked(db: sqlite3.Connection) -> Line:
    said = db.execute("PRAGMA quick_check(1)").fetchone()
    if said != ("ok",):
        raise sqlite3.DatabaseError(str(said[0]) if said else "quick_check")
    ((count, oldest),) = db.execute(_UNDELIVERED)
    since = datetime.fromtimestamp(oldest, UTC).isoformat() if oldest else None
    return {"state": "good", "undelivered": count, "waits_since": since}


def _job(job: dict[str, Any]) -> Line:
    error, process = job.get("error") or {}, job.get("process") or {}
    return {
        "holdfast": "agent-job",
        "id": job.get("id"),
        "kind": job.get("kind"),
        "state": job.get("state"),
        "source": job.get("source"),
        "created": job.get("created_at"),
        "started": job.get("started_at"),
        "ended": job.get("ended_at"),
        "attempts": job.get("attempts"),
        "next_try": job.get("next_try"),
        "error": error.get("code"),
        "message": error.get("message"),
        "fields": {
            name: str(value)
            for name, value in error.items()
            if name not in _NO_FIELDS and isinstance(value, (str, int, float))
        },
        "pid": process.get("pid"),
        "is_alive": os.path.exists(f"/proc/{process['pid']}") if process.get("pid") else None,
        "protected_bytes": (job.get("result") or {}).get("bytes_total"),
    }
