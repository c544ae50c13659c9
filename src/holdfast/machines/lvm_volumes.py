"""Logical volumes of LVM, put together by us from its metadata: no device mapper is needed. Pure.

Only linear ones (also in many pieces) and stripes are known; mirrors, RAID and thin volumes are
left out. The metadata is text in a ring at the beginning of each physical volume.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.machines.partitions import Read

_SECTOR = 512
_MARK = b"LABELONE"
_LABEL = struct.Struct("<8sQII8s")
_LOCATION = struct.Struct("<QQ")
_AREA_MARK = b" LVM2 x[5A%r0N*>"
_AREA = struct.Struct("<I16sIQQ")
_TEXT = struct.Struct("<QQ")
_MOST_TEXT = 16 << 20
# Stripes of 64 KiB over 128 GiB; each is a piece of its own in memory.
_MOST_PIECES = 1 << 21
# A real one has four levels.
_DEEPEST = 32
_SEGMENT = re.compile(r"segment\d+")
_TOKEN = re.compile(r'\s+|#[^\n]*|"((?:[^"\\]|\\.)*)"|([\w.+-]+)|([={}\[\],])')


@dataclass(frozen=True, slots=True, kw_only=True)
class Physical:
    """A physical volume: its own id, and the text it carries, if any."""

    uuid: str
    metadata: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes of a logical volume, and where they are: a physical volume's id and an offset in it."""

    size: int
    volume: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Logical:
    group: str
    name: str
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)


def read_physical(read: Read, size: int) -> Physical | None:
    for at in range(0, min(size, 4 * _SECTOR) - _SECTOR + 1, _SECTOR):
        label = read(at, _SECTOR)
        if label.startswith(_MARK):
            return _physical(read, label, size)
    return None


def _physical(read: Read, label: bytes, size: int) -> Physical:
    _mark, _sector, _crc, offset, _kind = _LABEL.unpack_from(label)
    uuid = label[offset : offset + 32].decode("ascii", "replace")
    at = _after_list(label, offset + 40)
    start, _length = _LOCATION.unpack_from(label, at)
    return Physical(uuid=uuid, metadata=_text(read, start, size) if start else "")


def _after_list(label: bytes, at: int) -> int:
    """Behind the data areas, whose list ends with zeros, begins that of the metadata areas."""
    while at + _LOCATION.size <= len(label) and any(_LOCATION.unpack_from(label, at)):
        at += _LOCATION.size
    return min(at + _LOCATION.size, len(label) - _LOCATION.size)


def _text(read: Read, start: int, size: int) -> str:
    if start + _SECTOR > size:
        return ""
    header = read(start, _SECTOR)
    _crc, mark, _version, _start, area = _AREA.unpack_from(header)
    offset, length = _TEXT.unpack_from(header, _AREA.size)
    if mark != _AREA_MARK or not 0 < length <= min(_MOST_TEXT, area) or offset >= area:
        return ""
    if start + area > size:
        return ""
    # A ring, of which the header's sector is no part.
    first = min(length, area - offset)
    if length - first > area - _SECTOR:
        return ""
    content = read(start + offset, first) + read(start + _SECTOR, length - first)
    return content.rstrip(b"\0").decode("utf-8", "replace")


def logical_volumes(metadata: str) -> list[Logical]:
    """ValueError where the text is not LVM's."""
    found: list[Logical] = []
    for group, about in _parsed(metadata).items():
        if isinstance(about, Mapping) and "physical_volumes" in about:
            found += _of_group(group, about)
    return found


def _of_group(group: str, about: Mapping[str, Any]) -> Iterator[Logical]:
    extent = int(about["extent_size"]) * _SECTOR
    ids = {
        name: (volume["id"].replace("-", ""), int(volume["pe_start"]) * _SECTOR)
        for name, volume in about["physical_volumes"].items()
    }
    for name, volume in about.get("logical_volumes", {}).items():
        pieces = _pieces(volume, extent, ids)
        if pieces and "VISIBLE" in volume.get("status", ()):
            yield Logical(group=group, name=name, pieces=tuple(pieces))


def _pieces(
    volume: Mapping[str, Any], extent: int, ids: Mapping[str, tuple[str, int]]
) -> list[Piece]:
    """None of a volume in which anything but stripes occurs."""
    segments = [each for key, each in volume.items() if _SEGMENT.fullmatch(key)]
    found: list[Piece] = []
    for segment in sorted(segments, key=lambda each: int(each["start_extent"])):
        stripes = segment.get("type") == "striped" and _stripes(segment, extent, ids)
        if not stripes:
            return []
        found += stripes
    return found


def _stripes(
    segment: Mapping[str, Any], extent: int, ids: Mapping[str, tuple[str, int]]
) -> list[Piece]:
    """None where they are more than anybody has: the text may have been written to keep us busy."""
    places = _places(segment["stripes"], extent, ids)
    size = int(segment["extent_count"]) * extent
    if len(places) == 1:
        return [Piece(size=size, volume=places[0][0], offset=places[0][1])]
    width = int(segment["stripe_size"]) * _SECTOR
    if width <= 0 or not places or size // width > _MOST_PIECES:
        return []
    return [
        Piece(size=width, volume=volume, offset=start + row * width)
        for row in range(size // width // len(places))
        for volume, start in places
    ]


def _places(
    stripes: Sequence[Any], extent: int, ids: Mapping[str, tuple[str, int]]
) -> list[tuple[str, int]]:
    pairs = zip(stripes[::2], stripes[1::2], strict=True)
    return [(ids[name][0], ids[name][1] + int(first) * extent) for name, first in pairs]


def _parsed(text: str) -> dict[str, Any]:
    tokens = _Tokens(text)
    found = _section(tokens)
    if tokens.next() is not None:
        raise ValueError("a bracket too many")
    return found


class _Tokens:
    """Words, and marks as pairs with the mark in the second place."""

    def __init__(self, text: str) -> None:
        self._found = [*self._split(text)]
        self._at = 0

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                raise ValueError(f"{text[at : at + 10]!r} is not LVM's")
            at = token.end()
            quoted, word, mark = token.groups()
            if mark is not None:
                yield "", mark
            elif quoted is not None or word is not None:
                yield (word if quoted is None else quoted), ""

    def next(self) -> tuple[str, str] | None:
        self._at += 1
        return self._found[self._at - 1] if self._at <= len(self._found) else None

    def peek(self) -> tuple[str, str] | None:
        return self._found[self._at] if self._at < len(self._found) else None


def _section(tokens: _Tokens, depth: int = 0) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise ValueError("brackets in brackets without an end")
    found: dict[str, Any] = {}
    while (token := tokens.peek()) is not None and token[1] != "}":
        name, _mark = tokens.next() or ("", "")
        mark = tokens.next()
        if not name or mark is None or mark[1] not in ("=", "{"):
            raise ValueError(f"nothing is said of {name!r}")
        if mark[1] == "=":
            found[name] = _value(tokens)
            continue
        found[name] = _section(tokens, depth + 1)
        if tokens.next() != ("", "}"):
            raise ValueError(f"{name!r} does not end")
    return found


def _value(tokens: _Tokens) -> Any:
    token = tokens.next()
    if token is None or token[1] not in ("", "["):
        raise ValueError("a value is missing")
    if not token[1]:
        return token[0]
    found = []
    while (token := tokens.next()) is not None and token[1] != "]":
        if not token[1]:
            found.append(token[0])
    return found
