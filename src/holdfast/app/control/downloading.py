"""One file of a recovery point into somebody's browser, where its machine lets files pass.

Part after part is asked of the machine and passed on; no more than one of them is in memory, and
nothing is written anywhere. Who took which file is in the audit log before they have its first byte.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from holdfast.app.control import audit
from holdfast.app.control.browsing import Looking, read_content, read_inside
from holdfast.app.control.machine_views import machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.download_errors import DownloadTooLarge, TooManyDownloads
from holdfast.base.units import GIB, format_size
from holdfast.fleet.point_paths import path_of, readable
from holdfast.fleet.questions import ContentPart, ContentWanted
from holdfast.fleet.roles import Right

MOST = GIB
MOST_AT_ONCE = 4


class _Places:
    """How many go on in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[object] = set()

    def take(self, who: object) -> None:
        with self._lock:
            if len(self._taken) >= MOST_AT_ONCE:
                raise TooManyDownloads(count=MOST_AT_ONCE)
            self._taken.add(who)

    def leave(self, who: object) -> None:
        with self._lock:
            self._taken.discard(who)


_PLACES = _Places()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asking:
    """With what each part is asked for: whoever loses the right half way gets no more."""

    plane: Plane
    actor: Actor
    machine_id: str
    wanted: ContentWanted
    unlock: str | None
    read: Looking[ContentWanted, ContentPart]

    async def part(self, number: int) -> ContentPart:
        wanted = replace(self.wanted, part=number)
        asked = await asyncio.to_thread(
            self.read, self.plane, self.actor, self.machine_id, wanted, unlock=self.unlock
        )
        return await asked.arrive()


class Download:
    """It has one of few places until it is closed."""

    def __init__(self, asking: _Asking, first: ContentPart) -> None:
        self.name = readable(path_of(asking.wanted.path).rpartition(b"/")[2])
        self.size = first.size
        self._asking, self._first = asking, first

    async def parts(self) -> AsyncIterator[bytes]:
        part = self._first
        yield part.data
        while part.next is not None:
            part = await self._asking.part(part.next)
            yield part.data

    def close(self) -> None:
        _PLACES.leave(self._asking)


async def download_file(
    plane: Plane,
    actor: Actor,
    machine_id: str,
    wanted: ContentWanted,
    *,
    unlock: str | None = None,
    is_inside: bool = False,
) -> Download:
    """When this returns the first part is there: what is in the way is told before.

    `is_inside`: in the disks of a virtual machine.
    """
    asking = _Asking(
        plane=plane,
        actor=actor,
        machine_id=machine_id,
        wanted=wanted,
        unlock=unlock,
        read=read_inside if is_inside else read_content,
    )
    _PLACES.take(asking)
    try:
        first = await asking.part(0)
        if first.size > MOST:
            sizes = {"size": format_size(first.size), "most": format_size(MOST)}
            raise DownloadTooLarge(path=wanted.path, **sizes)
        await asyncio.to_thread(_note, asking, first)
    except BaseException:
        _PLACES.leave(asking)
        raise
    return Download(asking, first)


def _note(asking: _Asking, first: ContentPart) -> None:
    plane, actor = asking.plane, asking.actor
    with plane.database.write() as db:
        machine = machine_for(db, actor, asking.machine_id, Right.RESTORE)
        audit.note(
            db,
            plane,
            actor,
            act="point-download",
            vault_id=machine.vault_id,
            object=machine.id,
            detail={"point": first.point, "path": first.path, "bytes": first.size},
        )
