"""The one word the API says to the workflow engine: something happened to this job.

The engine takes a second to import and need not run in every process: without it nothing is lost,
because it looks for jobs that nobody watches by itself.
"""

import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)
_listeners: list[Callable[[str], None]] = []


def listen(listener: Callable[[str], None] | None) -> None:
    """In place of the listener before; None: nobody listens."""
    _listeners[:] = [listener] if listener else []


def nudge(job_id: str) -> None:
    for listener in _listeners:
        try:
            listener(job_id)
        except Exception:
            _log.warning("no workflow told of job %s", job_id, exc_info=True)
