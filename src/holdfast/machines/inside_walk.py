"""All that lies below a folder of a mounted volume, without following links out of it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.machines.inside_errors import InsideNotRead
from holdfast.machines.looking_inside import Item, is_folder, item_at, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`below`: its path from the folder where the walk began."""

    at: Path
    name: bytes
    below: bytes
    is_folder: bool

    def item(self) -> Item | None:
        try:
            return item_at(self.at)
        except OSError:
            return None


@dataclass(slots=True)
class Walk:
    """Each folder before what it holds; only what is looked at closer is read itself."""

    root: Path
    path: str
    volume: str
    # Folders that cannot be read: the volume is damaged, or paths are longer than any can be.
    unread: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[Place]:
        top = resolve(self.root, self.path, volume=self.volume)
        # No recursion: a volume of a foreign machine may nest its folders as deep as it likes.
        waiting = [self._entries(top, b"")] if is_folder(top) else []
        while waiting:
            place = next(waiting[-1], None)
            if place is None:
                waiting.pop()
                continue
            yield place
            if place.is_folder:
                waiting.append(self._entries(place.at, place.below))

    def _entries(self, folder: Path, below: bytes) -> Iterator[Place]:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda one: one.name)
        except OSError:
            self.unread += 1
            return
        for one in entries:
            name = os.fsencode(one.name)
            yield Place(
                at=folder / one.name,
                name=name,
                below=b"/".join(filter(None, (below, name))),
                is_folder=_leads_on(one),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes of a file, and how many the whole file has."""

    data: bytes
    size: int


def read_piece(root: Path, path: str, *, volume: str, offset: int, length: int) -> Piece | None:
    """Up to so many bytes from there; None: it is no file with content."""
    try:
        place = resolve(root, path, volume=volume)
        # Looked at before it is opened: a pipe waits for its other end, a device does what it does.
        if not stat.S_ISREG(place.lstat().st_mode):
            return None
        return _read(place, offset, length)
    except OSError as err:
        reason = err.strerror or str(err)
        raise InsideNotRead(path=path, volume=volume, reason=reason) from err


def _read(place: Path, offset: int, length: int) -> Piece:
    file = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        size = os.fstat(file).st_size
        wanted = max(0, min(length, size - offset))
        data = bytearray()
        while len(data) < wanted:
            more = os.pread(file, wanted - len(data), offset + len(data))
            if not more:
                raise OSError(f"it ends at {offset + len(data)} of {size} bytes")
            data += more
        return Piece(data=bytes(data), size=size)
    finally:
        os.close(file)


def _leads_on(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
