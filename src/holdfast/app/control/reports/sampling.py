"""Notes each hour how much every vault holds, and how much room is left below it."""

import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from holdfast.app.control.plane import Plane
from holdfast.app.control.thinning import thin_in_turns
from holdfast.base.errors import HoldfastError
from holdfast.catalog import vault_samples as sample_rows
from holdfast.catalog.vault_samples import Held
from holdfast.storage.location import Kind, parse_location

# Each hour of the last days; of what is older one each day, for as long as jobs are known.
HOURS_KEPT = timedelta(days=9)
DAYS_KEPT = timedelta(days=800)


class Room(NamedTuple):
    free: int
    total: int


def sample_vaults(plane: Plane) -> int:
    """One sample of each vault for this hour; how many vaults there are."""
    with plane.database.read() as db:
        found = sample_rows.held(db)
    # Before the transaction: a disk may take its time to answer.
    rooms = {one.vault.id: room_below(one.vault.location) for one in found}
    hour = plane.clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with plane.database.write() as db:
        sample_rows.add(db, [_sample(one, hour, rooms[one.vault.id]) for one in found])
    return len(found)


def thin_samples(plane: Plane) -> int:
    now = plane.clock.now().astimezone(UTC)
    before = (now - HOURS_KEPT).replace(hour=0, minute=0, second=0, microsecond=0)
    done = thin_in_turns(plane, sample_rows.thin, before)
    with plane.database.write() as db:
        return done + sample_rows.forget(db, now - DAYS_KEPT)


def room_below(location: str) -> Room | None:
    """Of the disk a vault lies on; None where nobody can know, as in an object store."""
    try:
        place = parse_location(location)
        if place.kind is not Kind.DIRECTORY:
            return None
        found = os.statvfs(place.path)
    except (HoldfastError, OSError):
        return None
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    # What is kept for root alone is room for nobody.
    return Room(free=free, total=total - (found.f_bfree - found.f_bavail) * found.f_frsize)


def _sample(held: Held, at: datetime, room: Room | None) -> dict[str, object]:
    return {
        "vault_id": held.vault.id,
        "at": at,
        "seconds": sample_rows.HOUR,
        "bytes_stored": held.size,
        "files_stored": held.files,
        "machines": held.machines,
        "disk_free": room.free if room else None,
        "disk_total": room.total if room else None,
    }
