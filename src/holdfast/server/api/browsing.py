"""Inside recovery points: looked into through a machine's agent, and restored from."""

from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from holdfast.app.control import browsing, restoring, unlocking
from holdfast.app.control.browsing import Looking
from holdfast.app.control.downloading import Download, download_file
from holdfast.app.control.job_views import JobView
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.restoring import InsideWanted, RestoreWanted, VmRestoreWanted
from holdfast.app.control.unlocking import MOST_HOURS, UnlockView
from holdfast.base.secret import Secret
from holdfast.fleet.item_order import Order
from holdfast.fleet.questions import (
    Answer,
    ContentWanted,
    Folder,
    FolderWanted,
    KeyReply,
    SearchFound,
    SearchWanted,
    Sort,
    VmPlan,
    VolumesFound,
    VolumesWanted,
    Weight,
    WeighWanted,
)
from holdfast.server.attachment import Attachment
from holdfast.server.callers import Machine, Person, ThePlane
from holdfast.server.nudging import nudge

router = APIRouter(tags=["browse and restore"])
W = TypeVar("W")
A = TypeVar("A")

_POINT = "/machines/{machine_id}/points/{point_id}"
_Path = Annotated[
    str,
    Query(
        max_length=5000,
        description="As `path` of an item; bytes that are no UTF-8, and %, are written as %XX.",
    ),
]
_Unlock = Annotated[
    str | None,
    Query(
        max_length=64,
        description="Id of an unlock: another machine looks, with the passphrase typed in.",
    ),
]
_Offset = Annotated[int, Query(ge=0, description="Behind so many items.")]
_Limit = Annotated[int, Query(ge=1, le=1000, description="How many items at most.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Who looks into the points of which machine."""

    plane: Plane
    person: Actor
    machine_id: str
    unlock: str | None

    async def see(self, looking: Looking[W, A], wanted: W) -> A:
        """What waits for a machine holds no thread meanwhile."""
        asked = await run_in_threadpool(
            looking, self.plane, self.person, self.machine_id, wanted, unlock=self.unlock
        )
        return await asked.arrive()

    async def take(self, wanted: ContentWanted, *, is_inside: bool) -> Download:
        return await download_file(
            self.plane,
            self.person,
            self.machine_id,
            wanted,
            unlock=self.unlock,
            is_inside=is_inside,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    paths: Annotated[list[str], Field(min_length=1, max_length=restoring.MOST_PATHS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocking:
    # Another machine of the same vault.
    reader: str
    passphrase: Annotated[str, Field(min_length=1, max_length=4096, repr=False)]
    hours: Annotated[float, Field(gt=0, le=MOST_HOURS)] = MOST_HOURS


# These only look; `async` spares them the way through the thread pool.
async def _look(
    plane: ThePlane, person: Person, machine_id: str, *, unlock: _Unlock = None
) -> Look:
    return Look(plane=plane, person=person, machine_id=machine_id, unlock=unlock)


async def _order(
    *,
    sort: Annotated[Sort, Query(description="By name, folders come first.")] = "name",
    descending: bool = False,
) -> Order:
    return Order(by=sort, is_descending=descending)


async def _part(
    point_id: str,
    order: Annotated[Order, Depends(_order)],
    *,
    path: _Path = "/",
    name: Annotated[str, Query(max_length=255, description="What is in the name.")] = "",
    offset: _Offset = 0,
    limit: _Limit = 200,
) -> FolderWanted:
    return FolderWanted(
        point=point_id,
        path=path,
        name=name,
        offset=offset,
        limit=limit,
        sort=order.by,
        descending=order.is_descending,
    )


async def _searched(
    point_id: str,
    *,
    text: Annotated[str, Query(min_length=1, max_length=255)],
    path: _Path = "/",
    limit: _Limit = 200,
) -> SearchWanted:
    return SearchWanted(point=point_id, text=text, path=path, limit=limit)


TheLook = Annotated[Look, Depends(_look)]
Part = Annotated[FolderWanted, Depends(_part)]
Searched = Annotated[SearchWanted, Depends(_searched)]


@router.get(_POINT + "/files")
async def list_folder(look: TheLook, wanted: Part) -> Folder:
    """A folder of a recovery point; `sort` of the answer says how an older agent sorted."""
    return await look.see(browsing.list_folder, wanted)


@router.get(_POINT + "/content", response_class=StreamingResponse)
async def download(look: TheLook, point_id: str, path: _Path) -> StreamingResponse:
    """One file, where the settings of its machine let files pass through the server."""
    return Attachment(await look.take(ContentWanted(point=point_id, path=path), is_inside=False))


@router.get(_POINT + "/search")
async def search(look: TheLook, wanted: Searched) -> SearchFound:
    """What has the text in its name, or fits it where it has `*` or `?`, anywhere below a folder."""
    return await look.see(browsing.search_point, wanted)


@router.post(_POINT + "/weight")
async def weigh(look: TheLook, point_id: str, wanted: Choice) -> Weight:
    """How many files and bytes these paths are, with all below them."""
    return await look.see(browsing.weigh_choice, WeighWanted(point=point_id, paths=wanted.paths))


@router.get(_POINT + "/volumes")
async def list_volumes(look: TheLook, point_id: str) -> VolumesFound:
    """Of a virtual machine's recovery point: its disks, and the file systems in them."""
    return await look.see(browsing.list_volumes, VolumesWanted(point=point_id))


@router.get(_POINT + "/inside")
async def list_inside(look: TheLook, wanted: Part) -> Folder:
    """A folder in a virtual machine's disk; the path begins with a volume, as vda1/etc."""
    return await look.see(browsing.list_inside, wanted)


@router.get(_POINT + "/inside/search")
async def search_inside(look: TheLook, wanted: Searched) -> SearchFound:
    """As `search`, below a folder in a virtual machine's disk; the path begins with a volume."""
    return await look.see(browsing.search_inside, wanted)


@router.get(_POINT + "/inside/content", response_class=StreamingResponse)
async def download_inside(look: TheLook, point_id: str, path: _Path) -> StreamingResponse:
    """As `content`, one file out of a virtual machine's disk; the path begins with a volume."""
    return Attachment(await look.take(ContentWanted(point=point_id, path=path), is_inside=True))


@router.post("/machines/{machine_id}/unlocks", status_code=201)
async def unlock_machine(
    plane: ThePlane, person: Person, machine_id: str, wanted: Unlocking
) -> UnlockView:
    """Let another machine read this one's points, with its passphrase, for this login alone.

    The passphrase is kept in memory until the login ends, and nowhere else.
    """
    asked = await run_in_threadpool(
        unlocking.unlock_machine,
        plane,
        person,
        machine_id,
        reader_id=wanted.reader,
        passphrase=Secret(wanted.passphrase.encode()),
        hours=wanted.hours,
    )
    return await asked.arrive()


@router.get("/machines/{machine_id}/unlocks")
def list_unlocks(plane: ThePlane, person: Person, machine_id: str) -> list[UnlockView]:
    """Those of this login."""
    return unlocking.list_unlocks(plane, person, machine_id)


@router.delete("/machines/{machine_id}/unlocks/{unlock_id}", status_code=204)
def end_unlock(plane: ThePlane, person: Person, machine_id: str, unlock_id: str) -> None:
    """The passphrase is forgotten."""
    unlocking.end_unlock(plane, person, machine_id, unlock_id)


@router.post("/machines/{machine_id}/restores", status_code=201)
def restore(plane: ThePlane, person: Person, machine_id: str, wanted: RestoreWanted) -> JobView:
    """Files and folders of a recovery point, to this machine or to the one that reads for it."""
    return _told(restoring.order_restore(plane, person, machine_id, wanted))


@router.post("/machines/{machine_id}/inside-restores", status_code=201)
def restore_inside(
    plane: ThePlane, person: Person, machine_id: str, wanted: InsideWanted
) -> JobView:
    """A file or folder out of a virtual machine's disk, to a folder of its host."""
    return _told(restoring.order_inside(plane, person, machine_id, wanted))


@router.post("/machines/{machine_id}/vm-restores", status_code=201)
def restore_vm(
    plane: ThePlane, person: Person, machine_id: str, wanted: VmRestoreWanted
) -> JobView:
    """A virtual machine: as a new one, in place, or its disks as files."""
    return _told(restoring.order_vm_restore(plane, person, machine_id, wanted))


@router.post("/machines/{machine_id}/vm-restores/plan")
async def plan_vm_restore(
    plane: ThePlane, person: Person, machine_id: str, wanted: VmRestoreWanted
) -> VmPlan:
    """What this order would do, and what is in its way: its host looks, and nothing is done."""
    asked = await run_in_threadpool(restoring.plan_vm_restore, plane, person, machine_id, wanted)
    return await asked.arrive()


@router.post("/agent/questions/{question_id}/answer", status_code=204, tags=["agents"])
def answer(plane: ThePlane, machine: Machine, question_id: str, told: Answer) -> None:
    """Of a question that came with the commands; one that nobody waits for any more is fine."""
    plane.desk.answer(machine.id, question_id, told)


@router.post("/agent/keys/{ticket}", tags=["agents"])
def take_key(plane: ThePlane, machine: Machine, ticket: str) -> KeyReply:
    """A passphrase that a person typed for a question or a job of this machine; told once."""
    return unlocking.take_key(plane, machine, ticket)


def _told(made: JobView) -> JobView:
    nudge(made.id)
    return made
