"""What lies inside the disks of a virtual machine's recovery point, for whoever only looks."""

import contextlib
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from holdfast.app.download_errors import NotAFile
from holdfast.app.point_browsing import MOST_ITEMS, MOST_SECONDS, PointBrowser, fitting
from holdfast.app.vm_files import InsideRequest, list_volumes, opened_inside
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.files.nodes import node_type
from holdfast.fleet.item_order import Facts, Order, ordered
from holdfast.fleet.point_paths import path_of, readable, spelled
from holdfast.fleet.questions import (
    ContentPart,
    ContentWanted,
    DiskFound,
    Folder,
    FolderWanted,
    Item,
    SearchFound,
    SearchWanted,
    VolumeFound,
    VolumesFound,
    VolumesWanted,
)
from holdfast.machines.held_volume import HeldVolume, Look
from holdfast.machines.inside_errors import InsideNotRead
from holdfast.machines.inside_walk import Piece, Walk, read_piece
from holdfast.machines.looking_inside import Item as Inside
from holdfast.machines.looking_inside import is_folder, list_items, resolve
from holdfast.machines.point_reader import PointReader
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

_T = TypeVar("_T")
# Which point, and which of its volumes.
_Key = tuple[str, str]
_PART = MIB
_MOST_HELD = 4


class VmBrowser:
    """Looks into the file systems of machines' disks; every path begins with a volume, as vda1/etc.

    Each look mounts the volume and takes it down again. Only while a file is read, part after
    part, its volume stays mounted, for those looks as well.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: OrderedDict[_Key, HeldVolume] = OrderedDict()

    def volumes(self, points: PointBrowser, wanted: VolumesWanted) -> VolumesFound:
        snapshot = points.point(wanted.point)
        facts = PointReader(points.repository, snapshot).facts
        return VolumesFound(
            point=snapshot.id,
            vm=facts.name,
            uuid=facts.uuid,
            consistency=facts.consistency.value,
            disks=[DiskFound(target=one.target, size=one.size) for one in facts.disks],
            volumes=[
                VolumeFound(
                    name=one.name,
                    size=one.size,
                    content=one.content.kind,
                    label=one.content.label,
                    is_readable=one.content.is_file_system,
                )
                for one in list_volumes(points.repository, snapshot, lock=False)
            ],
        )

    def folder(self, points: PointBrowser, wanted: FolderWanted) -> Folder:
        place = _Place.of(points, wanted)
        is_one, listed = self._look(place, _listed(place))
        text = wanted.name.casefold()
        found = [one for one in listed if text in readable(os.fsencode(one.name)).casefold()]
        found = ordered(found, _facts, Order.of(wanted))
        above = place.raw if is_one else place.raw.rpartition(b"/")[0]
        return Folder(
            point=place.snapshot.id,
            path=place.text,
            items=[
                _item(above + b"/" + os.fsencode(one.name), one)
                for one in found[wanted.offset : wanted.offset + wanted.limit]
            ],
            total=len(found),
            offset=wanted.offset,
            sort=wanted.sort,
            descending=wanted.descending,
        )

    def search(self, points: PointBrowser, wanted: SearchWanted) -> SearchFound:
        """With the words and limits of a search in a point of files."""
        place, clock = _Place.of(points, wanted), self._session.clock

        def look(root: Path) -> SearchFound:
            # The time that the mount took is not the search's.
            end = clock.monotonic() + min(wanted.seconds, MOST_SECONDS)
            walk = Walk(root, place.path, place.volume)
            return _search(walk, place, wanted, goes_on=lambda: clock.monotonic() <= end)

        return self._look(place, look)

    def content(self, points: PointBrowser, wanted: ContentWanted) -> ContentPart:
        """A piece of a file; the last one lets go of its volume."""
        place, number = _Place.of(points, wanted), max(wanted.part, 0)
        at = number * _PART

        def look(root: Path) -> Piece | None:
            return read_piece(root, place.path, volume=place.volume, offset=at, length=_PART)

        self._hold(place)
        try:
            piece = self._look(place, look)
            if piece is None:
                raise NotAFile(path=place.text, point=place.snapshot.id[:8])
        except HoldfastError:
            # The next try begins with what the vault says then.
            self._let_go(place.key)
            raise
        is_last = (number + 1) * _PART >= piece.size
        if is_last:
            self._let_go(place.key)
        return ContentPart(
            point=place.snapshot.id,
            path=place.text,
            size=piece.size,
            data=piece.data,
            next=None if is_last else number + 1,
        )

    def close(self) -> None:
        for key in [*self._held]:
            self._let_go(key)

    def _look(self, place: "_Place", look: Look[_T]) -> _T:
        held = self._held.get(place.key)
        looking = held.look(look) if held else None
        if looking is not None:
            return looking.result()
        with self._opened(place) as root:
            return look(root)

    def _hold(self, place: "_Place") -> None:
        held = self._held.pop(place.key, None)
        if held is None or held.is_over:
            while len(self._held) >= _MOST_HELD:
                self._let_go(next(iter(self._held)))
            held = HeldVolume(lambda: self._opened(place))
        self._held[place.key] = held

    def _let_go(self, key: "_Key") -> None:
        held = self._held.pop(key, None)
        if held is not None:
            held.close()

    @contextlib.contextmanager
    def _opened(self, place: "_Place") -> Iterator[Path]:
        """Read without a lock: nothing is written."""
        request = InsideRequest(path=place.volume, lock=False)
        with opened_inside(self._session, place.repository, place.snapshot, request) as opened:
            yield opened[0]


class _Wanted(Protocol):
    @property
    def point(self) -> str: ...
    @property
    def path(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A path of a volume of a point; `raw` begins with the volume."""

    repository: Repository
    snapshot: Snapshot
    volume: str
    path: str
    raw: bytes

    @classmethod
    def of(cls, points: PointBrowser, wanted: _Wanted) -> "_Place":
        raw = path_of(wanted.path).lstrip(b"/")
        volume, _slash, path = os.fsdecode(raw).partition("/")
        return cls(
            repository=points.repository,
            snapshot=points.point(wanted.point),
            volume=volume,
            path=path,
            raw=raw,
        )

    @property
    def key(self) -> _Key:
        return self.snapshot.id, self.volume

    @property
    def text(self) -> str:
        return spelled(self.raw)


def _listed(place: _Place) -> Look[tuple[bool, list[Inside]]]:
    """Whether it is a folder, and what is in it, or it itself."""

    def look(root: Path) -> tuple[bool, list[Inside]]:
        try:
            at = resolve(root, place.path, volume=place.volume)
            return is_folder(at), list_items(root, place.path, volume=place.volume)
        except OSError as err:
            reason = err.strerror or err
            raise InsideNotRead(path=place.path, volume=place.volume, reason=reason) from err

    return look


def _search(
    walk: Walk, place: _Place, wanted: SearchWanted, *, goes_on: Callable[[], bool]
) -> SearchFound:
    fits, most = fitting(wanted.text), min(max(wanted.limit, 1), MOST_ITEMS)
    found, looked_at, is_complete = list[Item](), 0, True
    for one in walk:
        if len(found) == most or not goes_on():
            is_complete = False
            break
        looked_at += 1
        if fits(readable(one.name)) and (item := one.item()) is not None:
            found.append(_item(place.raw + b"/" + one.below, item))
    return SearchFound(
        point=place.snapshot.id,
        items=found,
        looked_at=looked_at,
        is_complete=is_complete and not walk.unread,
    )


def _facts(found: Inside) -> Facts:
    raw = os.fsencode(found.name)
    return Facts(
        is_folder=stat.S_ISDIR(found.mode),
        name=readable(raw),
        raw=raw,
        size=found.size if stat.S_ISREG(found.mode) else None,
        changed=found.mtime,
    )


def _item(place: bytes, found: Inside) -> Item:
    return Item(
        name=readable(os.fsencode(found.name)),
        path=spelled(place),
        kind=node_type(found.mode),
        size=found.size if stat.S_ISREG(found.mode) else 0,
        modified=_moment(found.mtime),
        mode=stat.S_IMODE(found.mode) & 0o777,
        target=readable(os.fsencode(found.link)),
    )


def _moment(seconds: float) -> datetime | None:
    """None: a file system holds times that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
