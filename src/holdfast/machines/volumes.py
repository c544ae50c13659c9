"""The volumes in the disks of a point: whole disks, partitions, and logical volumes over them."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from holdfast.disks.source import DiskSource
from holdfast.disks.spans import Span, clipped, merged
from holdfast.machines.file_systems import LVM, Content, look
from holdfast.machines.lvm_volumes import Logical, Physical, Piece, logical_volumes, read_physical
from holdfast.machines.partitions import read_partitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """`name` is that of a disk or partition, as vda2, or GROUP-NAME of a logical volume."""

    name: str
    size: int
    content: Content
    source: DiskSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Bytes of a source that are the next ones of a volume."""

    source: DiskSource
    start: int
    size: int


class Joined:
    """Parts of sources as one; served and read like any disk."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self._starts: list[int] = []
        at = 0
        for part in self._parts:
            self._starts.append(at)
            at += part.size
        self.size = at

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ValueError(f"{length} bytes at {offset} of {self.size}")
        pieces = [bytes(part.source.read(at, size)) for part, at, size in self._of(offset, length)]
        return b"".join(pieces)

    def spans_with_data(self) -> list[Span]:
        found: list[Span] = []
        known: dict[int, Sequence[Span]] = {}
        for part, begin in zip(self._parts, self._starts, strict=True):
            data = known.setdefault(id(part.source), part.source.spans_with_data())
            within = Span(part.start, part.start + part.size)
            shift = begin - part.start
            found += [Span(start + shift, end + shift) for start, end in clipped(data, within)]
        return merged(found)

    def _of(self, offset: int, length: int) -> Iterator[tuple[Part, int, int]]:
        number = max(0, bisect_right(self._starts, offset) - 1)
        while length:
            part = self._parts[number]
            skip = offset - self._starts[number]
            step = min(length, part.size - skip)
            if step:
                yield part, part.start + skip, step
            offset, length, number = offset + step, length - step, number + 1


def find_volumes(disks: Mapping[str, DiskSource]) -> list[Volume]:
    """In the order of the disks; logical volumes come last."""
    found = [volume for name, source in disks.items() for volume in _of_disk(name, source)]
    return [*found, *_logical(found)]


def _of_disk(name: str, source: DiskSource) -> Iterator[Volume]:
    whole = _volume(name, source)
    # A file system on the whole disk may have a boot sector that looks like a table.
    partitions = [] if whole.content.kind else read_partitions(_reads(source), source.size)
    if not partitions:
        yield whole
    # Linux puts a p between two numbers.
    between = "p" if name[-1:].isdigit() else ""
    for one in partitions:
        part = Part(source=source, start=one.start, size=one.size)
        yield _volume(f"{name}{between}{one.number}", Joined([part]))


def _volume(name: str, source: DiskSource) -> Volume:
    content = look(_reads(source), source.size)
    return Volume(name=name, size=source.size, content=content, source=source)


def _logical(found: Sequence[Volume]) -> Iterator[Volume]:
    physical: dict[str, DiskSource] = {}
    texts = set[str]()
    for volume in found:
        known = _physical(volume)
        if known is not None:
            physical[known.uuid] = volume.source
            texts.add(known.metadata)
    for logical in _newest(texts):
        pieces = logical.pieces
        # A volume of which a disk is missing would be full of holes.
        if all(_is_there(piece, physical) for piece in pieces):
            parts = [
                Part(source=physical[piece.volume], start=piece.offset, size=piece.size)
                for piece in pieces
            ]
            yield _volume(f"{logical.group}-{logical.name}", Joined(parts))


def _is_there(piece: Piece, physical: Mapping[str, DiskSource]) -> bool:
    source = physical.get(piece.volume)
    return source is not None and piece.offset >= 0 and 0 < piece.size <= source.size - piece.offset


def _physical(volume: Volume) -> Physical | None:
    if volume.content.kind != LVM:
        return None
    return read_physical(_reads(volume.source), volume.size)


def _newest(texts: set[str]) -> list[Logical]:
    """All physical volumes of a group carry the same text; one that is damaged is passed over."""
    found: dict[tuple[str, str], Logical] = {}
    for text in sorted(filter(None, texts)):
        try:
            for logical in logical_volumes(text):
                found[logical.group, logical.name] = logical
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return list(found.values())


def _reads(source: DiskSource) -> "_Reads":
    return _Reads(source)


class _Reads:
    """Reads as bytes."""

    def __init__(self, source: DiskSource) -> None:
        self._source = source

    def __call__(self, offset: int, length: int) -> bytes:
        return bytes(self._source.read(offset, length))
