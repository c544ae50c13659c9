"""What is really stored, counted: a killed server leaves bytes that nobody told the database of.

A machine that writes meanwhile keeps the count it had; so does one whose trash is being purged.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice

from holdfast.app.control.gateway import repository_of, storage_of
from holdfast.app.control.plane import Plane
from holdfast.base.errors import HoldfastError
from holdfast.catalog import usage as usage_rows
from holdfast.catalog.usage import Stored

_log = logging.getLogger(__name__)
# Servers tell the database a second after they stored something: nothing of it is on its way then.
_SETTLED_SECONDS = 3.0
_AT_ONCE = 100


def recount(plane: Plane, machine_id: str) -> bool:
    """Count one machine's files anew; False: something was going on, and the count stayed."""
    return recount_some(plane, [machine_id]) == 1


def recount_all(plane: Plane) -> int:
    """Every machine whose files are there; how many were counted anew."""
    with plane.database.read() as db:
        waiting = iter(usage_rows.machines(db))
    count = 0
    while some := list(islice(waiting, _AT_ONCE)):
        count += recount_some(plane, some)
    return count


def recount_some(plane: Plane, machine_ids: Sequence[str]) -> int:
    found = list(_counted(plane, machine_ids))
    plane.clock.sleep(_SETTLED_SECONDS)
    settled = 0
    for machine_id, before, now in found:
        with plane.database.write() as db:
            settled += usage_rows.settle(db, machine_id, before=before, now=now)
    return settled


def _counted(plane: Plane, machine_ids: Sequence[str]) -> Iterator[tuple[str, Stored, Stored]]:
    """What the database thought before the files were looked at, and what they are."""
    for machine_id in machine_ids:
        try:
            yield machine_id, *_count(plane, machine_id)
        except HoldfastError:
            # One place that does not answer keeps none of the others from it.
            _log.warning("not counted: %s", machine_id, exc_info=True)


def _count(plane: Plane, machine_id: str) -> tuple[Stored, Stored]:
    with plane.database.read() as db:
        repository = repository_of(db, machine_id)
        before = usage_rows.stored(db, machine_id)
    size = files = 0
    for entry in storage_of(plane, repository).list(""):
        size += entry.size
        files += 1
    return before, Stored(size=size, files=files)
