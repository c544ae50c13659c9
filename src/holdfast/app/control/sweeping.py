"""Halves of files that killed servers left in the vaults' folders."""

import logging
from datetime import timedelta

from holdfast.app.control.plane import Plane
from holdfast.base.errors import HoldfastError
from holdfast.catalog import vaults as vault_rows
from holdfast.storage.directory import DirectoryStorage

_log = logging.getLogger(__name__)
# Nobody sends one file for so long without a single byte of it.
_WRITERS_ARE_DEAD_AFTER = timedelta(days=1)


def sweep_vaults(plane: Plane) -> int:
    """Remove them; how many there were. Other storages leave nothing behind by themselves."""
    with plane.database.read() as db:
        places = vault_rows.places(db)
    before = plane.clock.now() - _WRITERS_ARE_DEAD_AFTER
    count = 0
    for name, place in places:
        storage = plane.storage_at(place)
        if isinstance(storage, DirectoryStorage):
            try:
                count += storage.sweep(before=before)
            except HoldfastError:
                # A disk that is not mounted is no reason to leave the others unswept.
                _log.warning("not swept: %s", name, exc_info=True)
    return count
