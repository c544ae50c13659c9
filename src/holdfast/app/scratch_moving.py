"""`holdfast agent scratch move`: copy, compare, switch in one step, and only then remove."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.app.scratch import check_scratch
from holdfast.app.scratch_place import (
    MARK,
    ScratchPlace,
    is_in_place,
    read_mark,
    scratch_place,
    set_place,
    write_mark,
)
from holdfast.app.setup_errors import ScratchFull, ScratchNotMoved
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.base.units import format_size

# Caches grow from run to run.
_GROWTH = 1.1
_PIECE = 1 << 20
_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    former: str
    folder: str
    bytes: int


def move_scratch(session: Session, target: str) -> Moved:
    """Killed anywhere, scratch is whole where the setting says; the same command again goes on."""
    home, folder = session.settings.home, os.path.abspath(target)
    place = scratch_place(home)
    if folder == place.folder and is_in_place(place):
        return _finished(home, place)
    # What lies where a lost folder was is somebody else's.
    former = place.folder if is_in_place(place) else None
    if former is not None:
        _require_apart(former, folder)
    _require_ours(folder)
    check_scratch(folder, warn=session.warn)
    mark = write_mark(folder)
    size = 0 if former is None else _size(former)
    if former is not None:
        _require_room(folder, size)
        _copy(former, folder)
    fresh = ScratchPlace(folder=folder, mark=mark, former=former)
    set_place(home, fresh)
    # Written to once more where it is from now on, before the old one goes.
    check_scratch(folder, warn=session.warn)
    _finished(home, fresh)
    return Moved(former=place.folder, folder=folder, bytes=size)


def _require_ours(folder: str) -> None:
    """Empty, or begun by us before: one day all that is in it is removed."""
    if os.path.isdir(folder) and os.listdir(folder) and read_mark(folder) is None:
        raise ScratchNotMoved(folder=folder, reason=_("it is not empty"))


def _finished(home: str, place: ScratchPlace) -> Moved:
    """Remove what is left of the folder before."""
    former = place.former or place.folder
    if place.former is not None:
        shutil.rmtree(place.former, ignore_errors=True)
        set_place(home, ScratchPlace(folder=place.folder, mark=place.mark))
    return Moved(former=former, folder=place.folder, bytes=_size(place.folder))


def _require_apart(former: str, folder: str) -> None:
    one, other = os.path.realpath(former), os.path.realpath(folder)
    if os.path.commonpath([one, other]) in {one, other}:
        raise ScratchNotMoved(folder=folder, reason=_("one of the two lies in the other"))


def _require_room(folder: str, size: int) -> None:
    found = os.statvfs(folder)
    free, wanted = found.f_bavail * found.f_frsize, int(size * _GROWTH)
    if free < wanted:
        raise ScratchFull(folder=folder, free=format_size(free), wanted=format_size(wanted))


def _copy(former: str, folder: str) -> None:
    """Until both are the same; a run that works in the old folder may change it meanwhile."""
    different: list[str] = []
    for _round in range(_ROUNDS):
        try:
            if os.path.isdir(former):
                shutil.copytree(
                    former,
                    folder,
                    symlinks=True,
                    dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(MARK),
                )
            different = _differences(former, folder)
        except (OSError, shutil.Error) as err:
            raise ScratchNotMoved(folder=folder, reason=err) from err
        if not different:
            os.sync()
            return
    reason = _("{file} changes all the time; stop what works there").format(file=different[0])
    raise ScratchNotMoved(folder=folder, reason=reason)


def _differences(former: str, folder: str) -> list[str]:
    """Files of the old folder that are not the same in the new one."""
    found = []
    for path in _files(former):
        other = os.path.join(folder, os.path.relpath(path, former))
        if os.path.basename(path) != MARK and _digest(path) != _digest(other):
            found.append(path)
    return found


def _digest(path: str) -> bytes:
    digest = hashlib.blake2b()
    with open(path, "rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.digest()


def _size(folder: str) -> int:
    return sum(os.path.getsize(path) for path in _files(folder))


def _files(folder: str) -> Iterator[str]:
    for root, _folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path
