"""Files on their way out, whole or in part, and the lists of them."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from holdfast.server.gateway.desk import Desk, Visit
from holdfast.server.gateway.exchange import Exchange
from holdfast.server.gateway.names import Target
from holdfast.server.gateway.pacing import piece_size
from holdfast.storage.arriving import TakesPieces
from holdfast.storage.errors import FileMissing
from holdfast.storage.protocol import Entry, Storage

V1 = "application/vnd.x.restic.rest.v1"
V2 = "application/vnd.x.restic.rest.v2"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_NAMES_A_PIECE = 2000
# Each piece of a cloud's object costs a request of its own.
_FAR_PIECE = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which bytes are wanted: from `first` to before `end`."""

    first: int
    end: int
    is_whole: bool


class NotSatisfiable(Exception):
    """No byte of the range is in the file."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


def read_part(header: str, size: int) -> Part:
    """The part a Range header asks for; what is no range of ours asks for the whole file."""
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or found[0] == "bytes=-":
        return Part(first=0, end=size, is_whole=True)
    first, last = found[1], found[2]
    if not first:
        return _checked(Part(first=max(0, size - int(last)), end=size, is_whole=False), size)
    end = min(size, int(last) + 1) if last else size
    return _checked(Part(first=int(first), end=end, is_whole=False), size)


def _checked(part: Part, size: int) -> Part:
    if part.first >= part.end:
        raise NotSatisfiable(size)
    return part


async def send_head(desk: Desk, exchange: Exchange, visit: Visit, target: Target) -> None:
    size = await asyncio.get_running_loop().run_in_executor(
        desk.threads, _size_of, desk, visit, target
    )
    await exchange.answer(200, content_length=size, accept_ranges="bytes")


async def send_file(desk: Desk, exchange: Exchange, visit: Visit, target: Target) -> None:
    loop = asyncio.get_running_loop()
    reading = _Reading(desk, visit, target)
    wanted = exchange.header("range")
    try:
        part, content = await loop.run_in_executor(desk.threads, reading.open, wanted)
    except NotSatisfiable as err:
        await exchange.answer(416, content_range=f"bytes */{err.size}")
        return
    await exchange.start(200 if part.is_whole else 206, **_headers(part, reading.size))
    sent = part.first
    while True:
        sent += len(content)
        further = loop.run_in_executor(desk.threads, reading.piece, sent, part.end)
        try:
            size = len(content)
            if delay := desk.pacing.delay(visit.admission.repository, size, loop.time()):
                await asyncio.sleep(delay)
            await exchange.send(content, more=sent < part.end)
        finally:
            content = await further
        if sent >= part.end:
            return


def _headers(part: Part, size: int) -> dict[str, str | int]:
    headers: dict[str, str | int] = {
        "content_length": part.end - part.first,
        "content_type": "application/octet-stream",
        "accept_ranges": "bytes",
    }
    if not part.is_whole:
        headers["content_range"] = f"bytes {part.first}-{part.end - 1}/{size}"
    return headers


class _Reading:
    """The part of a download that threads do."""

    def __init__(self, desk: Desk, visit: Visit, target: Target) -> None:
        self._desk = desk
        self._visit = visit
        self._target = target
        slice_size = piece_size(visit.admission.repository)
        near = isinstance(desk.plane.storage_at(visit.admission.repository.location), TakesPieces)
        self._most = slice_size if near else max(slice_size, _FAR_PIECE)
        self.size = 0

    def open(self, wanted: str) -> tuple[Part, bytes]:
        self.size = _size_of(self._desk, self._visit, self._target)
        part = read_part(wanted, self.size)
        return part, self.piece(part.first, part.end)

    def piece(self, at: int, end: int) -> bytes:
        length = min(self._most, end - at)
        if length <= 0:
            return b""
        return self._visit.storage.read(self._target.name, at, length)


def _size_of(desk: Desk, visit: Visit, target: Target) -> int:
    if target.name in desk.hidden(visit):
        raise FileMissing(place=visit.storage.place, name=target.name)
    return visit.storage.size(target.name)


async def send_list(desk: Desk, exchange: Exchange, visit: Visit, target: Target) -> None:
    loop = asyncio.get_running_loop()
    is_v2 = V2 in exchange.header("accept")
    listing = _Listing(desk, visit, target, with_sizes=is_v2)
    # Before the status is out: a storage that is gone has an answer of its own.
    content = await loop.run_in_executor(desk.threads, listing.piece)
    await exchange.start(200, content_type=V2 if is_v2 else V1)
    if exchange.method == "HEAD":
        await exchange.send(b"", more=False)
        return
    await exchange.send(b"[", more=True)
    while content:
        await exchange.send(content, more=True)
        content = await loop.run_in_executor(desk.threads, listing.piece)
    await exchange.send(b"]", more=False)


class _Listing:
    """A folder as JSON, piece by piece."""

    def __init__(self, desk: Desk, visit: Visit, target: Target, *, with_sizes: bool) -> None:
        self._desk = desk
        self._visit = visit
        self._target = target
        self._with_sizes = with_sizes
        self._entries: Iterator[Entry] | None = None
        self._comma = ""

    def piece(self) -> bytes:
        if self._entries is None:
            assert self._target.folder is not None
            self._entries = self._shown(self._visit.storage, self._target.folder.value)
        some = list(islice(self._entries, _NAMES_A_PIECE))
        if not some:
            return b""
        text = self._comma + ",".join(map(self._item, some))
        self._comma = ","
        return text.encode()

    def _shown(self, storage: Storage, folder: str) -> Iterator[Entry]:
        hidden = self._desk.hidden(self._visit, fresh=True)
        return (entry for entry in storage.list(folder) if entry.name not in hidden)

    def _item(self, entry: Entry) -> str:
        name = entry.name.rpartition("/")[2]
        if not self._with_sizes:
            return json.dumps(name)
        return f'{{"name":{json.dumps(name)},"size":{entry.size}}}'
