"""Say how two trees differ, in every attribute a backup has to bring back."""

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from holdfast.testing.contents import data_ranges, first_difference
from holdfast.testing.survey import Entry, link_groups, survey


class Aspect(StrEnum):
    ROOT = "root"  # the attributes of the two roots themselves
    MODE = "mode"
    OWNER = "owner"
    SIZE = "size"
    CONTENT = "content"
    MTIME = "mtime"
    FOLDER_MTIME = "folder-mtime"
    LINK_MTIME = "link-mtime"
    XATTRS = "xattrs"  # ACLs are among them
    TARGET = "target"
    DEVICE = "device"
    LINKS = "links"
    ATIME = "atime"
    HOLES = "holes"


_ONLY_ON_REQUEST = frozenset({Aspect.ATIME, Aspect.HOLES})
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}
_MTIMES = {stat.S_IFDIR: Aspect.FOLDER_MTIME, stat.S_IFLNK: Aspect.LINK_MTIME}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """The same path in both trees."""

    path: bytes
    left: Entry
    right: Entry


def differences(
    left: Path,
    right: Path,
    *,
    ignore: Collection[str] = (),
    also: Collection[str] = (),
    leave_out: Collection[bytes] = (),
) -> list[str]:
    """Return one line per difference, in path order; an empty list means equal.

    `ignore` names aspects not to look at, `also` adds those off by default (holes, atime),
    `leave_out` names relative paths that are skipped with all below them.
    """
    aspects = (frozenset(Aspect) - _ONLY_ON_REQUEST | {Aspect(a) for a in also}) - {
        Aspect(a) for a in ignore
    }
    skipped = frozenset(leave_out)
    roots = os.fsencode(left), os.fsencode(right)
    entries = [survey(root, leave_out=skipped.__contains__) for root in roots]
    return [
        f"{show(path)}: {line}"
        for path, line in _compare(entries[0], entries[1], roots=roots, aspects=aspects)
    ]


def show(path: bytes) -> str:
    """Show a path on one line, whatever bytes it has."""
    return repr(path)[2:-1]


def _compare(
    left: dict[bytes, Entry],
    right: dict[bytes, Entry],
    *,
    roots: tuple[bytes, bytes],
    aspects: frozenset[Aspect],
) -> Iterator[tuple[bytes, str]]:
    groups = (link_groups(left), link_groups(right)) if Aspect.LINKS in aspects else ({}, {})
    for path in sorted(left.keys() | right.keys()):
        if path not in right:
            yield path, "only on the left"
        elif path not in left:
            yield path, "only on the right"
        elif path != b"." or Aspect.ROOT in aspects:
            pair = _Pair(path=path, left=left[path], right=right[path])
            yield from ((path, line) for line in _pair_lines(pair, roots, aspects))
        names = [tuple(map(show, group.get(path, ()))) for group in groups]
        if names[0] != names[1]:
            yield path, f"links {names[0]} != {names[1]}"


def _pair_lines(
    pair: _Pair, roots: tuple[bytes, bytes], aspects: frozenset[Aspect]
) -> Iterator[str]:
    left, right = pair.left, pair.right
    if left.kind != right.kind:
        yield f"type {_KINDS[left.kind]} != {_KINDS[right.kind]}"
        return
    seen = zip(_attributes(left), _attributes(right), strict=True)
    for (aspect, one), (_, other) in seen:
        if aspect in aspects and one != other:
            yield f"{aspect} {one} != {other}"
    if aspects & {Aspect.XATTRS}:
        yield from _xattr_lines(dict(left.xattrs), dict(right.xattrs))
    if left.kind == stat.S_IFREG:
        yield from _file_lines(pair, roots, aspects)


def _attributes(entry: Entry) -> Iterator[tuple[Aspect, str]]:
    """Give the plain attributes as text, the same ones for all entries of a kind."""
    status = entry.status
    if entry.kind != stat.S_IFLNK:  # the mode of a symlink means nothing on Linux
        yield Aspect.MODE, f"{stat.S_IMODE(status.st_mode):04o}"
    yield Aspect.OWNER, f"{status.st_uid}:{status.st_gid}"
    yield _MTIMES.get(entry.kind, Aspect.MTIME), str(status.st_mtime_ns)
    yield Aspect.ATIME, str(status.st_atime_ns)
    match entry.kind:
        case stat.S_IFREG:
            yield Aspect.SIZE, str(status.st_size)
        case stat.S_IFLNK:
            yield Aspect.TARGET, show(entry.target or b"")
        case stat.S_IFCHR | stat.S_IFBLK:
            yield Aspect.DEVICE, f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        case _:
            pass


def _xattr_lines(left: dict[str, bytes], right: dict[str, bytes]) -> Iterator[str]:
    for name in sorted(left.keys() | right.keys()):
        if left.get(name) != right.get(name):
            yield f"{Aspect.XATTRS} {name!r}: {left.get(name)!r} != {right.get(name)!r}"


def _file_lines(
    pair: _Pair, roots: tuple[bytes, bytes], aspects: frozenset[Aspect]
) -> Iterator[str]:
    if pair.left.status.st_size != pair.right.status.st_size:
        return
    if Aspect.CONTENT in aspects:
        at = first_difference(roots[0], roots[1], pair.path)
        if at is not None:
            yield f"{Aspect.CONTENT} differs from byte {at} on"
    if Aspect.HOLES in aspects:
        ranges = [data_ranges(root, pair.path) for root in roots]
        if ranges[0] != ranges[1]:
            yield f"{Aspect.HOLES}: data at {ranges[0]} != {ranges[1]}"
