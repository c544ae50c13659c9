"""Registered machines, as people look after them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from holdfast.app.control import machine_views, machines, read_grants
from holdfast.app.control.machine_views import MachineView
from holdfast.app.control.read_grants import MOST_HOURS, ReadGrantView
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(prefix="/machines", tags=["machines"])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewName:
    name: str


_Bytes = Annotated[int, Field(ge=0, le=1 << 62, description="0: no limit.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is not given stays as it is."""

    quota_bytes: _Bytes | None = None
    # Bytes a second, through the gateway.
    limit_rate: _Bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistration:
    # Deleting needs the security PIN, and can be undone for as long as soft delete keeps it.
    delete_data: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    reader: str
    hours: Annotated[float, Field(gt=0, le=MOST_HOURS)] = 24


@router.get("")
def list_all(
    plane: ThePlane,
    person: Person,
    window: Paging,
    vault: str | None = None,
    state: Literal["active", "unregistered", "deleted"] | None = None,
    name: str | None = None,
) -> Page[MachineView]:
    return machine_views.list_machines(plane, person, window, vault=vault, state=state, name=name)


@router.get("/{machine_id}")
def show(plane: ThePlane, person: Person, machine_id: str) -> MachineView:
    return machine_views.show_machine(plane, person, machine_id)


@router.patch("/{machine_id}")
def rename(plane: ThePlane, person: Person, machine_id: str, wanted: NewName) -> MachineView:
    return machines.rename_machine(plane, person, machine_id, wanted.name)


@router.patch("/{machine_id}/limits")
def limit(plane: ThePlane, person: Person, machine_id: str, wanted: Bounds) -> MachineView:
    """Bound what it may store, and how fast."""
    return machines.limit_machine(
        plane,
        person,
        machine_id,
        quota_bytes=wanted.quota_bytes,
        limit_rate=wanted.limit_rate,
    )


@router.post("/{machine_id}/revoke")
def revoke(plane: ThePlane, person: Person, machine_id: str) -> MachineView:
    """Its certificates and its password are no longer good; its recovery points stay."""
    return machines.revoke_machine(plane, person, machine_id)


@router.post("/{machine_id}/unregister")
def unregister(
    plane: ThePlane, person: Person, machine_id: str, wanted: Unregistration
) -> MachineView:
    delete = wanted.delete_data
    return machines.unregister_machine(plane, person, machine_id, delete_data=delete)


@router.post("/{machine_id}/undelete")
def undelete(plane: ThePlane, person: Person, machine_id: str) -> MachineView:
    return machines.undelete_machine(plane, person, machine_id)


@router.post("/{machine_id}/reset-key")
def reset_key(plane: ThePlane, person: Person, machine_id: str) -> MachineView:
    """The next repository key the machine comes with is taken for its own."""
    return machines.reset_key(plane, person, machine_id)


@router.post("/{machine_id}/readers", status_code=201)
def allow_reader(plane: ThePlane, person: Person, machine_id: str, wanted: Reader) -> ReadGrantView:
    """Let another machine of the vault restore from this one's recovery points for some hours."""
    return read_grants.allow_reader(
        plane, person, machine_id, reader_id=wanted.reader, hours=wanted.hours
    )


@router.get("/{machine_id}/readers")
def list_readers(plane: ThePlane, person: Person, machine_id: str) -> list[ReadGrantView]:
    return read_grants.list_readers(plane, person, machine_id)


@router.delete("/{machine_id}/readers/{grant_id}", status_code=204)
def end_reader(plane: ThePlane, person: Person, machine_id: str, grant_id: str) -> None:
    read_grants.end_reader(plane, person, machine_id, grant_id)
