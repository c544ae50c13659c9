"""From a disk that stands still into a change log: what has changed, or what differs from a replica."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from holdfast.base.units import KIB, MIB
from holdfast.disks.spans import Span, aligned, clipped, difference, intersection, merged, total
from holdfast.machines.nbd_source import NbdSource
from holdfast.replication.log_writer import LogWriter

# What is compared, and sent if it differs: small enough for a database, large enough that the
# digests of a terabyte are 128 MiB.
CHUNK = 256 * KIB
# Digests asked for at once: half a MiB of them are 4 GiB of disk.
_ASKED = 4096 * MIB
_DIGEST = 32
# Where an image is written here and there, one question about all of it is cheaper than many.
_FEW = 32

# Digests of the replica, from a place on and for so many bytes.
Ask = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What was looked at, and what of it goes into the log."""

    dirty: int = 0
    logged: int = 0


def log_changes(writer: LogWriter, target: str, source: NbdSource) -> Amount:
    """All that has changed, as its record says; everything where there is no record."""
    changed = source.changed
    spans = [Span(0, source.size)] if changed is None else [Span(*each) for each in changed]
    return log_spans(writer, target, source, spans, with_zeros=True)


def log_spans(
    writer: LogWriter, target: str, source: NbdSource, spans: Sequence[Span], *, with_zeros: bool
) -> Amount:
    """All that is in the spans; without zeros only what is data."""
    if not spans:
        return Amount()
    data = intersection(spans, data_in(source, spans))
    holes = difference(spans, data) if with_zeros else []
    _log_in_order(writer, target, holes, source.read_ahead(data, longest=MIB))
    return Amount(dirty=total(spans), logged=total(data))


def data_in(source: NbdSource, spans: Sequence[Span]) -> list[Span]:
    """What of them may hold anything but zeros."""
    if len(spans) > _FEW:
        return source.spans_with_data()
    return merged(part for span in spans for part in source.data_within(span))


def _log_in_order(
    writer: LogWriter,
    target: str,
    holes: Iterable[Span],
    read: Iterable[tuple[Span, memoryview]],
) -> None:
    """What a log has of one disk comes in the order of its offsets."""
    waiting = iter(holes)
    hole = next(waiting, None)
    for span, content in read:
        while hole is not None and hole.start < span.start:
            writer.zero(target, hole.start, hole.length)
            hole = next(waiting, None)
        writer.data(target, span.start, content)
    while hole is not None:
        writer.zero(target, hole.start, hole.length)
        hole = next(waiting, None)


def log_differences(
    writer: LogWriter, target: str, source: NbdSource, within: Span, *, ask: Ask, there: int
) -> Amount:
    """What differs from the replica, which has the first `there` bytes of the disk.

    Its digests are asked for in the middle, so whoever answers must not be slow for long.
    """
    logged = 0
    for part in _windows(within):
        known = Span(part.start, min(part.end, there // CHUNK * CHUNK))
        digests = ask(known.start, known.length) if known.length > 0 else b""
        logged += _log_window(writer, target, source, part, digests=digests)
    return Amount(dirty=within.length, logged=logged)


def _windows(within: Span) -> Iterator[Span]:
    for start in range(within.start, within.end, _ASKED):
        yield Span(start, min(start + _ASKED, within.end))


def _log_window(
    writer: LogWriter, target: str, source: NbdSource, window: Span, *, digests: bytes
) -> int:
    data = clipped(aligned(source.data_within(window), CHUNK, source.size), window)
    logged = 0
    at = window.start
    for span, content in _chunks(source, data):
        _log_holes(writer, target, Span(at, span.start), window.start, digests)
        at = span.end
        number = (span.start - window.start) // CHUNK
        if digests[_DIGEST * number : _DIGEST * (number + 1)] != sha256(content).digest():
            writer.data(target, span.start, content)
            logged += span.length
    _log_holes(writer, target, Span(at, window.end), window.start, digests)
    return logged


def _chunks(source: NbdSource, spans: Sequence[Span]) -> Iterator[tuple[Span, memoryview]]:
    for span, content in source.read_ahead(spans, longest=MIB):
        for at in range(0, span.length, CHUNK):
            end = min(at + CHUNK, span.length)
            yield Span(span.start + at, span.start + end), content[at:end]


def _log_holes(writer: LogWriter, target: str, span: Span, start: int, digests: bytes) -> None:
    """What is a hole here and is none, or is not known, at the replica."""
    for at in range(span.start, span.end, CHUNK):
        end = min(at + CHUNK, span.end)
        number = (at - start) // CHUNK
        if digests[_DIGEST * number : _DIGEST * (number + 1)] != zeros_digest(end - at):
            writer.zero(target, at, end - at)


_KNOWN: dict[int, bytes] = {}


def zeros_digest(length: int) -> bytes:
    found = _KNOWN.get(length)
    if found is None:
        found = sha256(bytes(length)).digest()
        if length == CHUNK:
            _KNOWN[length] = found
    return found
