"""Where a vault may lie: a place of its own, that can be written and read back."""

import os
import secrets
from collections.abc import Iterable

from holdfast.app.control.plane import Plane
from holdfast.app.control.vault_errors import LocationNotUsable, LocationTaken
from holdfast.base.texts import _
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import FileMissing
from holdfast.storage.location import Kind, Location, parse_location
from holdfast.storage.protocol import Storage


def read_place(text: str, *, is_lab: bool) -> Location:
    """The location in its one spelling; raises if no vault should lie there."""
    place = parse_location(text)
    if place.kind is Kind.MEMORY and not is_lab:
        raise _unusable(place, _("memory is gone with the server"), _("or make it a lab vault"))
    if place.kind is not Kind.DIRECTORY:
        return place
    if not os.path.isabs(place.path):
        raise _unusable(place, _("it does not begin with /"), _("give the whole path"))
    return Location(kind=Kind.DIRECTORY, path=os.path.normpath(place.path))


def require_own(place: Location, others: Iterable[tuple[str, str]]) -> None:
    """Raise if one of the other vaults, as (name, location), lies there, above it or below it."""
    wanted = _parts(str(place))
    for name, location in others:
        taken = _parts(location)
        shorter = min(len(wanted), len(taken))
        if wanted[:shorter] == taken[:shorter]:
            raise LocationTaken(location=place, what=_("the vault {name}").format(name=name))


def prove_place(plane: Plane, place: Location) -> None:
    """Write, read and delete a file there; a folder that is not there is made."""
    if place.kind is Kind.DIRECTORY:
        DirectoryStorage(place.path).create_root()
    storage = plane.storage_at(str(place))
    if _has_repository(storage):
        raise LocationTaken(location=place, what=_("a repository"))
    name, content = f"probe-{secrets.token_hex(8)}", secrets.token_bytes(64)
    storage.put(name, content)
    try:
        if storage.get(name) != content:
            reason = _("what was written comes back as something else")
            raise _unusable(place, reason, _("look for what stands in between"))
    finally:
        storage.delete(name)


def _has_repository(storage: Storage) -> bool:
    try:
        storage.size("config")
    except FileMissing:
        return False
    return True


def _parts(location: str) -> list[str]:
    return location.rstrip("/").split("/")


def _unusable(place: Location, reason: str, advice: str) -> LocationNotUsable:
    return LocationNotUsable(location=place, reason=reason, advice=advice)
