"""The upper part of a mount: folders that lead to the recovery points, by time, id, host and tag.

points/<time>/   ids/<short id>/   hosts/<host>/<time>/   tags/<tag>/<time>/
and in each folder of times a symlink "latest".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.vault.repository import LATEST
from holdfast.vault.snapshot import Snapshot

SHORT_ID = 8
_NAME_MAX = 255


@dataclass(frozen=True, slots=True)
class Link:
    """A symlink of ours."""

    target: bytes


@dataclass(frozen=True, slots=True)
class Point:
    """The folder in which a recovery point begins."""

    snapshot: Snapshot


@dataclass(slots=True)
class Shelf:
    """A folder of ours; as old as the newest point below it."""

    children: "dict[bytes, Shelf | Point | Link]" = field(default_factory=dict)
    mtime_ns: int = 0


class PointNames:
    """Gives each point a name made of its time, and never another as long as we run.

    The kernel keeps what it learnt of a name, so a name must not move to another point when one
    of the same second turns up later: that one gets its id behind the time.
    """

    def __init__(self) -> None:
        self._names: dict[str, bytes] = {}
        self._taken: set[bytes] = set()

    def name_of(self, snapshot: Snapshot) -> bytes:
        known = self._names.get(snapshot.id)
        if known is None:
            known = time_name(snapshot.taken_at)
            if known in self._taken:
                known += b"-" + snapshot.id[:SHORT_ID].encode()
            self._names[snapshot.id] = known
            self._taken.add(known)
        return known


def time_name(moment: datetime) -> bytes:
    """The time on the clock of the machine that was backed up."""
    return f"{moment:%Y-%m-%d_%H%M%S}".rjust(17, "0").encode()


def safe_name(text: str) -> bytes:
    """One path step for a host or tag, which may be any text."""
    name = text.encode("utf-8", "surrogatepass").translate(_SAFE)[:_NAME_MAX]
    return b"_" if name in {b"", b".", b".."} else name


_SAFE = bytes.maketrans(b"/\0", b"__")


def shelve(snapshots: Iterable[Snapshot], names: PointNames) -> Shelf:
    """The folders for these points, which come oldest first."""
    root = Shelf({word: Shelf() for word in (b"points", b"ids", b"hosts", b"tags")})
    for snapshot in snapshots:
        name, point = names.name_of(snapshot), Point(snapshot)
        _put((_sub(root, b"ids"),), snapshot.id[:SHORT_ID].encode(), point)
        _put_dated((_sub(root, b"points"),), name, point)
        hosts = _sub(root, b"hosts")
        _put_dated((hosts, _sub(hosts, safe_name(snapshot.host))), name, point)
        tags = _sub(root, b"tags")
        for tag in sorted(snapshot.tags):
            _put_dated((tags, _sub(tags, safe_name(tag))), name, point)
        root.mtime_ns = _nanoseconds(snapshot)
    return root


def _sub(shelf: Shelf, name: bytes) -> Shelf:
    found = shelf.children.setdefault(name, Shelf())
    assert isinstance(found, Shelf)
    return found


def _put_dated(way: tuple[Shelf, ...], name: bytes, point: Point) -> None:
    _put(way, name, point)
    # Points come oldest first, so the last one to write this is the newest.
    way[-1].children[LATEST.encode()] = Link(name)


def _put(way: tuple[Shelf, ...], name: bytes, point: Point) -> None:
    if name in way[-1].children:
        name = point.snapshot.id.encode()  # two ids that begin alike
    way[-1].children[name] = point
    for shelf in way:
        shelf.mtime_ns = _nanoseconds(point.snapshot)


def _nanoseconds(snapshot: Snapshot) -> int:
    return int(snapshot.taken_at.timestamp()) * 10**9
