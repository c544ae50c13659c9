"""What a disk of a replica holds, as hashes: a source sends what differs and nothing else."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from hashlib import sha256

from holdfast.base.clock import Clock
from holdfast.base.units import GIB, KIB, MIB
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.nbd_wire import BASE_ALLOCATION, Allocation
from holdfast.disks.serving import served_image
from holdfast.disks.spans import Span, intersection, merged
from holdfast.replication.replica_errors import ReplicaRangeBad
from holdfast.replication.replica_folder import ReplicaFolder
from holdfast.replication.replica_layers import FORMAT
from holdfast.replication.replica_record import LayerName
from holdfast.replication.replica_sockets import sockets
from holdfast.vault.forking import cores

DIGEST = 32
_UNIT = 64 * KIB
_LARGEST_CHUNK = 64 * MIB
_LONGEST = 64 * GIB
# What one thread does before it takes the next.
_AT_ONCE = 64 * MIB
_MOST_THREADS = 4


def require_range(*, start: int, length: int, chunk: int) -> None:
    """A source that asks for more than a walk needs would only make work."""
    is_fitting = start >= 0 and 0 < length <= _LONGEST
    if not is_fitting or chunk % _UNIT or not _UNIT <= chunk <= _LARGEST_CHUNK:
        raise ReplicaRangeBad(start=start, length=length, chunk=chunk)


def zero_hashes(length: int, chunk: int) -> bytes:
    """Of a disk that is not there: what stands on nothing reads as zeroes."""
    whole, rest = divmod(length, chunk)
    return _zero_digest(chunk) * whole + (_zero_digest(rest) if rest else b"")


def hashes_of(
    folder: ReplicaFolder, name: LayerName, clock: Clock, *, start: int, length: int, chunk: int
) -> bytes:
    """Of each chunk; what lies beyond the end of the disk is zeroes."""
    chunks = [
        Span(at, min(at + chunk, start + length)) for at in range(start, start + length, chunk)
    ]
    step = max(1, _AT_ONCE // chunk)
    groups = [chunks[at : at + step] for at in range(0, len(chunks), step)]
    with (
        sockets(folder) as place,
        served_image(folder.layer(name), place / "0", format_=FORMAT, clock=clock) as address,
        ThreadPoolExecutor(min(len(groups), cores(), _MOST_THREADS)) as pool,
    ):
        return b"".join(pool.map(lambda group: _group(address, group), groups))


def _group(address: UnixAddress, chunks: Sequence[Span]) -> bytes:
    with NbdClient(address, contexts=(BASE_ALLOCATION,)) as client:
        end = min(chunks[-1].end, client.size)
        data = _data(client, Span(min(chunks[0].start, end), end))
        buffer = memoryview(bytearray(max(chunk.length for chunk in chunks)))
        return b"".join(_digest(client, chunk, data, buffer) for chunk in chunks)


def _data(client: NbdClient, span: Span) -> list[Span]:
    if not span.length:
        return []
    told = client.status(BASE_ALLOCATION, span)
    return merged(part for part, flags in told if not flags & Allocation.ZERO)


def _digest(client: NbdClient, chunk: Span, data: list[Span], buffer: memoryview) -> bytes:
    """Chunks come in their order: what lies before this one is taken off the list."""
    while data and data[0].end <= chunk.start:
        data.pop(0)
    if not data or data[0].start >= chunk.end:
        return _zero_digest(chunk.length)
    view = buffer[: chunk.length]
    view[:] = bytes(chunk.length)
    for start, end in intersection(data[: _within(data, chunk)], [chunk]):
        client.read_into(start, view[start - chunk.start : end - chunk.start])
    return sha256(view).digest()


def _within(data: list[Span], chunk: Span) -> int:
    """How many of the first ones begin before its end."""
    return next((at for at, span in enumerate(data) if span.start >= chunk.end), len(data))


@lru_cache(maxsize=64)
def _zero_digest(length: int) -> bytes:
    return sha256(bytes(length)).digest()
