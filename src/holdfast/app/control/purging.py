"""The end of what was deleted: files whose time in the trash is over, machines' repositories.

Every call may be cut off anywhere and made again, by another server as well.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from holdfast.app.control import audit
from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.gateway import repository_of, storage_of
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.errors import HoldfastError
from holdfast.catalog import policies as policy_rows
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog import trash as trash_rows
from holdfast.catalog import usage as usage_rows
from holdfast.catalog import vms as vm_rows
from holdfast.catalog.tables import Machine

_SERVER = Actor(kind="server", id="server", name="server")
# Files are claimed so many at a time, and who has them gives back what took longer than that.
_CLAIM = 500
_WORK_SECONDS = 60.0
_GIVEN_UP = timedelta(minutes=3)


def purge_trash(plane: Plane, now: datetime, limit: int = 10_000) -> int:
    """Remove files whose time in the trash is over; how many. Fewer than the limit: no more."""
    count, troubles = 0, dict[str, HoldfastError]()
    while count < limit:
        claimed = _claim(plane, now, min(_CLAIM, limit - count), without=tuple(troubles))
        before = count
        for machine_id, names in claimed.items():
            try:
                count += _remove(plane, machine_id, names)
            except HoldfastError as err:
                # A storage that does not answer keeps none of the others from it.
                troubles[machine_id] = err
        if not claimed or (count == before and not troubles):
            break
    for trouble in troubles.values():
        raise trouble
    return count


def _claim(
    plane: Plane, now: datetime, limit: int, *, without: tuple[str, ...]
) -> dict[str, list[str]]:
    """Names by machine. From now on nobody can bring these back."""
    found: dict[str, list[str]] = defaultdict(list)
    with plane.database.write() as db:
        given_up = now - _GIVEN_UP
        for machine_id, name, _size in trash_rows.claim_due(
            db, now=now, given_up=given_up, limit=limit, without=without
        ):
            found[machine_id].append(name)
    return found


def _remove(plane: Plane, machine_id: str, names: list[str]) -> int:
    clock, removed = plane.clock, list[str]()
    until = clock.monotonic() + _WORK_SECONDS
    try:
        with plane.database.read() as db:
            storage = storage_of(plane, repository_of(db, machine_id))
        for name in names:
            # Later the claim could be another's, and the file one that was stored anew.
            if clock.monotonic() > until:
                break
            storage.delete(name)
            removed.append(name)
    finally:
        _settle(plane, machine_id, removed=removed, left=names[len(removed) :])
    return len(removed)


def _settle(plane: Plane, machine_id: str, *, removed: list[str], left: list[str]) -> None:
    with plane.database.write() as db:
        sizes = trash_rows.forget(db, machine_id, removed)
        usage_rows.add(db, machine_id, size=-sum(sizes), files=-len(sizes))
        trash_rows.release(db, machine_id, left)


def purge_repositories(plane: Plane, now: datetime, limit: int = 10_000) -> int:
    """Remove the repositories of deleted machines whose days are over; how many files."""
    with plane.database.read() as db:
        machine_ids = trash_rows.machines_due(db, now)
    count = 0
    for machine_id in machine_ids:
        if count < limit:
            count += purge_repository(plane, machine_id, limit - count)
    return count


def purge_repository(plane: Plane, machine_id: str, limit: int = 10_000) -> int:
    """Remove a repository's files; fewer than the limit: nothing is left of it."""
    with plane.database.write() as db:
        machine = db.get(Machine, machine_id, with_for_update=True)
        if machine is None:
            return 0
        # From the first file on there is no way back.
        machine.state = "purged"
        repository = repository_of(db, machine_id)
    storage, count = storage_of(plane, repository), 0
    for entry in storage.list(""):
        if count == limit:
            return count
        storage.delete(entry.name)
        count += 1
    _close(plane, machine_id)
    return count


def _close(plane: Plane, machine_id: str) -> None:
    with plane.database.write() as db:
        trash_rows.forget_all(db, machine_id)
        usage_rows.set_to(db, machine_id, size=0, files=0)
        policy_rows.detach_all(db, machine_id)
        vm_rows.forget_all(db, machine_id)
        recovery_rows.forget_all(db, machine_id)
        machine = db.get(Machine, machine_id)
        assert machine is not None
        if machine.purge_at is not None:
            machine.purge_at = None
            audit.note(
                db,
                plane,
                _SERVER,
                act="repository-purged",
                vault_id=machine.vault_id,
                object=machine_id,
            )
            raise_alert(
                db,
                plane,
                "purged",
                vault_id=machine.vault_id,
                machine_id=machine_id,
                fields={"object": machine.name},
            )
