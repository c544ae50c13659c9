"""Files on their way in: hashed and written by threads while the next bytes arrive."""

import asyncio
import hashlib
from collections.abc import Sequence

from holdfast.app.control import gateway as rules
from holdfast.base.errors import HoldfastError
from holdfast.server.gateway.desk import Desk, Visit
from holdfast.server.gateway.exchange import Body, Exchange
from holdfast.server.gateway.names import LARGEST, Folder, Target
from holdfast.server.gateway.pacing import piece_size
from holdfast.storage import arriving
from holdfast.storage.errors import FileExists, FileMissing
from holdfast.storage.protocol import Storage
from holdfast.storage.rest_errors import (
    ContentDiffers,
    HashDiffers,
    RequestNotUnderstood,
    TooLarge,
    UploadBroken,
)

_PIECE = 1 << 20
# An answer that comes before the end of a body is read by clients only when it is short.
_DRAINED = 1 << 20


async def receive(desk: Desk, exchange: Exchange, visit: Visit, target: Target) -> None:
    """Take in a file; 200 as well where the same is there already, unless told to refuse that."""
    repository, size = visit.admission.repository, _announced(exchange, target)
    run = asyncio.get_running_loop().run_in_executor
    body = exchange.body(target.name, size)
    try:
        await run(desk.threads, desk.usage.reserve, repository, target.name, size)
    except Exception:
        await body.drain(_DRAINED)
        raise
    upload, is_new = _Upload(desk, visit, target, size), False
    try:
        await run(desk.threads, upload.begin)
        await _transfer(desk, body, upload)
        may_exist = exchange.header("if-none-match") != "*"
        is_new = await run(desk.threads, lambda: upload.finish(may_exist=may_exist))
    finally:
        # Not awaited: a request that is being cancelled still gives back what it took.
        desk.threads.submit(upload.end, is_new=is_new)
    await exchange.answer(200)


def _announced(exchange: Exchange, target: Target) -> int:
    text = exchange.header("content-length")
    if not text.isdecimal():
        raise RequestNotUnderstood(place=exchange.path, reason="it has no Content-Length")
    assert target.folder is not None
    size, limit = int(text), LARGEST[target.folder]
    if size > limit:
        raise TooLarge(place=exchange.path, name=target.name, size=size, limit=limit)
    return size


async def _transfer(desk: Desk, body: Body, upload: "_Upload") -> None:
    """Two pieces at most are in memory: one being written, one being filled."""
    loop = asyncio.get_running_loop()
    repository = upload.visit.admission.repository
    wanted = piece_size(repository)
    writing: asyncio.Future[None] | None = None
    try:
        while piece := await _fill(body, wanted):
            size = sum(map(len, piece))
            if delay := desk.pacing.delay(repository, size, loop.time()):
                await asyncio.sleep(delay)
            if writing is not None:
                await writing
            writing = loop.run_in_executor(desk.threads, upload.take, piece)
    finally:
        if writing is not None:
            await writing


async def _fill(body: Body, wanted: int) -> list[bytes]:
    piece: list[bytes] = []
    size = 0
    while size < wanted and (content := await body.next()):
        piece.append(content)
        size += len(content)
    return piece


class _Upload:
    """The part of an upload that threads do, one call at a time."""

    def __init__(self, desk: Desk, visit: Visit, target: Target, size: int) -> None:
        self.visit = visit
        self._desk = desk
        self._target = target
        self._size = size
        self._seen = 0
        self._hash = hashlib.sha256()
        self._arrival: arriving.Arrival | None = None

    @property
    def _storage(self) -> Storage:
        return self.visit.storage

    def begin(self) -> None:
        self._arrival = arriving.begin(self._storage, self._target.name)

    def take(self, piece: Sequence[bytes]) -> None:
        assert self._arrival is not None
        for content in piece:
            self._hash.update(content)
            self._arrival.write(content)
            self._seen += len(content)

    def finish(self, *, may_exist: bool) -> bool:
        """Let the file appear; whether it is new."""
        assert self._arrival is not None
        try:
            self._require_whole()
        except HoldfastError:
            # Before the refusal goes out, so that nothing is left when it arrives.
            self._arrival.abort()
            raise
        name, repository = self._target.name, self.visit.admission.repository
        try:
            self._arrival.commit()
        except FileExists:
            self._settle_existing(name, may_exist=may_exist)
            return False
        rules.settle_new(self._desk.plane, repository, name)
        return True

    def end(self, *, is_new: bool) -> None:
        """Leave nothing behind but the file, if it is there."""
        if self._arrival is not None:
            self._arrival.abort()
        repository = self.visit.admission.repository
        self._desk.usage.release(repository, self._size, is_new=is_new)

    def _require_whole(self) -> None:
        name, place = self._target.name, self._storage.place
        if self._seen != self._size:
            reason = f"{self._seen} of {self._size} bytes came"
            raise UploadBroken(place=place, name=name, reason=reason)
        digest = self._hash.hexdigest()
        if self._target.folder is not Folder.CONFIG and digest != self._target.id:
            raise HashDiffers(place=place, name=name, seen=digest)

    def _settle_existing(self, name: str, *, may_exist: bool) -> None:
        """The same file again is fine: a reply may have been lost, or it comes out of the trash."""
        repository, plane = self.visit.admission.repository, self._desk.plane
        if _hash_of(self._storage, name) != self._hash.hexdigest():
            raise ContentDiffers(place=self._storage.place, name=name)
        if rules.bring_back(plane, repository, self._storage, name):
            return
        if not may_exist:
            raise FileExists(place=self._storage.place, name=name)


def _hash_of(storage: Storage, name: str) -> str:
    found = hashlib.sha256()
    try:
        size = storage.size(name)
        for at in range(0, size, _PIECE):
            found.update(storage.read(name, at, min(_PIECE, size - at)))
    except FileMissing:
        # Purged in this moment: whoever sends it again stores it.
        return ""
    return found.hexdigest()
