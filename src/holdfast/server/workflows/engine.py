"""The workflow engine: DBOS on the server's own database, started and stopped with the process."""

import contextlib
import logging
import os
import sqlite3

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, ScheduleInput

from holdfast.app.control.plane import Plane
from holdfast.base.errors import HoldfastError
from holdfast.catalog import workers
from holdfast.catalog.database import FROZEN_SECONDS, Database
from holdfast.server import nudging
from holdfast.server.workflows import ordering, upkeep, working
from holdfast.server.workflows.holding import PLANS, VERSION, WATCH, WORK, Held, Limits, hold
from holdfast.server.workflows.posting import Postman
from holdfast.server.workflows.takeover import Lookout

_SCHEMA = "workflows"
_FILE = "workflows.db"
_LOGGER = "dbos"
_PRIVATE = 0o600
_AT_ONCE = 2
_PLANS = 8
_POLLING = 0.5
_THREADS = 32
# What is asked so often is also waited for at the end.
_LISTENING = 2.0
_threads: list[Lookout | Postman] = []


def start(plane: Plane, executor_id: str, *, limits: Limits | None = None) -> None:
    """`executor_id` stays the same for a server, whatever happens: by it, it finds its own work."""
    held = Held(plane=plane, executor_id=executor_id, limits=limits or Limits())
    hold(held)
    # Known to the others before it has anything to be taken over.
    with plane.database.write() as db:
        has_died = workers.begin(db, executor_id, version=VERSION, now=plane.clock.now())
    DBOS(config=_config(plane.database, executor_id))
    _log_as_all_do()
    DBOS.launch()
    DBOS.register_queue(WATCH, polling_interval_sec=_POLLING)
    DBOS.register_queue(PLANS, worker_concurrency=_PLANS, polling_interval_sec=_POLLING)
    DBOS.register_queue(WORK, worker_concurrency=_AT_ONCE, polling_interval_sec=_POLLING)
    DBOS.apply_schedules([_schedule(*one) for one in upkeep.SCHEDULES])
    for one in (Lookout(held), Postman(held)):
        one.start()
        _threads.append(one)
    nudging.listen(ordering.hear)
    ordering.watch_all()
    if has_died:
        DBOS.start_workflow(upkeep.after_a_crash)


def stop(*, patience: int = 10) -> None:
    """Finish the steps under way; the rest goes on elsewhere, or here after the next start."""
    nudging.listen(None)
    # That each of a thousand that wait is interrupted is no news.
    logging.getLogger(_LOGGER).setLevel(logging.ERROR)
    DBOS.destroy(workflow_completion_timeout_sec=patience)
    with contextlib.suppress(HoldfastError):
        working.let_go()
    while _threads:
        with contextlib.suppress(Exception):
            # The database may be what makes us stop.
            _threads.pop().stop()
    hold(None)


def _log_as_all_do() -> None:
    """The engine brings a handler of its own, with lines of its own shape."""
    logger = logging.getLogger(_LOGGER)
    logger.handlers.clear()
    logger.propagate = True


def _config(database: Database, executor_id: str) -> DBOSConfig:
    return DBOSConfig(
        name="holdfast",
        system_database_url=_place(database),
        dbos_system_schema=_SCHEMA,
        executor_id=executor_id,
        # Not a hash of the sources: work begun by one release is finished by the next.
        application_version=VERSION,
        # Rows are plain JSON: a pickle in a database is a program in a database.
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
        sys_db_idle_transaction_timeout_sec=FROZEN_SECONDS,
        scheduler_polling_interval_sec=5.0,
        # Those that wait need no thread, so a burst of them shall not leave hundreds behind.
        max_executor_threads=_THREADS,
        # On SQLite each that waits asks so often. A job's end is known before its watcher's.
        notification_listener_polling_interval_sec=_LISTENING,
    )


def _place(database: Database) -> str:
    if not database.is_sqlite:
        return database.url.render_as_string(hide_password=False)
    assert database.url.database
    file = os.path.join(os.path.dirname(database.url.database), _FILE)
    _prepare(file)
    return f"sqlite:///{file}"


def _prepare(file: str) -> None:
    """Journal ahead: several times as fast, and it can only be set before the engine opens it."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _schedule(name: str, act: "upkeep.Scheduled", moments: str) -> ScheduleInput:
    return {"schedule_name": name, "workflow_fn": act, "schedule": moments, "context": None}
