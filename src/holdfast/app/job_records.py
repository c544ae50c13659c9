"""How the jobs of this machine ended, one JSON line each, for whoever asks why afterwards."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from secrets import token_hex

from holdfast.app.json_lines import Object, append_object, read_objects
from holdfast.app.wiring import Session
from holdfast.base.errors import Exit, Hint, HoldfastError

FILE = "jobs.jsonl"
Record = Object
_MOST = 1 << 20
_KEPT_LINES = 500


@dataclass(slots=True)
class Outcome:
    """What a job says about itself before it ends well."""

    skipped: int = 0
    is_damaged: bool = False


@contextlib.contextmanager
def recorded(session: Session, job: str) -> Iterator[Outcome]:
    """Note how the work inside ends; an error goes on its way."""
    outcome = Outcome()
    try:
        yield outcome
    except HoldfastError as error:
        record = record_of(session, job, error)
        note(session.settings.home, record)
        error.hint = _hint(session, record, error)
        raise
    result = "damage" if outcome.is_damaged else "warnings" if outcome.skipped else "done"
    done = _line(session, job, result)
    note(session.settings.home, {**done, "skipped": outcome.skipped})


def _hint(session: Session, record: Record, error: HoldfastError) -> Hint | None:
    from holdfast.app.finding import hint_for

    # Whatever goes wrong in the doctor must not hide the error it was asked about.
    with contextlib.suppress(Exception):
        return hint_for(session, record, error)
    return None


def record_of(session: Session, job: str, error: HoldfastError) -> Record:
    """A failed job as its line says it: the error, its fields, and what lay under it."""
    result = "damage" if error.exit_status == Exit.DAMAGE else "failed"
    return {
        **_line(session, job, result),
        "error": error.code,
        "fields": {name: str(value) for name, value in error.fields.items()},
        "chain": [*_under(error)],
    }


def _line(session: Session, job: str, result: str) -> Record:
    ended = session.clock.now().isoformat(timespec="seconds")
    place = session.settings.vault or ""
    named = {"holdfast": "job", "id": token_hex(4), "job": job, "vault": place}
    return {**named, "result": result, "ended": ended}


def _under(error: BaseException) -> Iterator[str]:
    below = error.__cause__ or error.__context__
    while below is not None:
        number = f" errno={below.errno}" if isinstance(below, OSError) and below.errno else ""
        yield f"{type(below).__name__}: {below}{number}"[:500]
        below = below.__cause__ or below.__context__


def find(home: str, job: str) -> Record | None:
    """The record of this id."""
    return next((record for record in records(home) if record.get("id") == job), None)


def records(home: str) -> Iterator[Record]:
    """How the jobs ended, oldest first."""
    return read_objects(os.path.join(home, FILE))


def note(home: str, record: Record) -> None:
    """Append one line to those of the last jobs."""
    path = os.path.join(home, FILE)
    with contextlib.suppress(OSError):
        _shorten(path)
    append_object(path, record)


def _shorten(path: str) -> None:
    if not os.path.exists(path) or os.path.getsize(path) < _MOST:
        return
    with open(path, "rb") as stream:
        kept = stream.readlines()[-_KEPT_LINES:]
    fresh = f"{path}.new"
    with open(fresh, "wb") as stream:
        stream.writelines(kept)
    os.replace(fresh, path)
