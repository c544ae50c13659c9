"""The machines this host protects, for whoever works by them without looking at the host."""

import os
from collections.abc import Callable, Iterator

from holdfast.app import vm_records
from holdfast.app.vm_records import FOLDER, Protection
from holdfast.base.errors import HoldfastError


def protected_vms(home: str, *, warn: Callable[[str], None]) -> list[Protection]:
    """Sorted by name; one record that does not read hides none of the others."""
    return sorted(_readable(home, warn), key=lambda one: one.name)


def _readable(home: str, warn: Callable[[str], None]) -> Iterator[Protection]:
    for uuid in _kept(os.path.join(home, FOLDER)):
        try:
            found = vm_records.load(home, uuid)
        except HoldfastError as err:
            warn(str(err))
            continue
        if found is not None and found.since is not None:
            yield found


def _kept(folder: str) -> Iterator[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        uuid, dot, kind = name.partition(".")
        if dot and kind == "json":
            yield uuid
