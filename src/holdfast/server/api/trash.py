"""Deleted files that can come back."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from holdfast.app.control import trash
from holdfast.app.control.trash import TrashedFile, TrashTotal, Undeleted
from holdfast.catalog.trash import Filter
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["trash"])
_MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeleteWanted:
    """Without names: everything, or what was deleted since a moment, or under one lease."""

    names: Annotated[list[str], Field(max_length=_MOST_NAMES)] | None = None
    since: AwareDatetime | None = None
    lease_id: str | None = None


@router.get("/vaults/{vault}/trash")
def vault_trash(plane: ThePlane, person: Person, vault: str) -> list[TrashTotal]:
    return trash.trash_totals(plane, person, vault)


@router.get("/machines/{machine_id}/trash")
def machine_trash(
    plane: ThePlane, person: Person, machine_id: str, paging: Paging
) -> Page[TrashedFile]:
    return trash.list_trash(plane, person, machine_id, paging)


@router.post("/machines/{machine_id}/trash/undelete")
def undelete(plane: ThePlane, person: Person, machine_id: str, wanted: UndeleteWanted) -> Undeleted:
    which = Filter(machine_id=machine_id, since=wanted.since, lease_id=wanted.lease_id)
    return trash.undelete(plane, person, which, wanted.names)
