"""Which policy holds for which paths and virtual machines of a machine; and its agent told so."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from holdfast.app.control import assignments, preview
from holdfast.app.control.assignments import AssignmentView, Change
from holdfast.app.control.preview import Preview
from holdfast.fleet.messages import Assignments
from holdfast.server.callers import Machine, Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["assignments"])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAssignment:
    # By its id or its name.
    policy: str
    # Paths, virtual machines of the host by name, or both; "*": all machines that are protected.
    paths: list[str] = field(default_factory=list)
    vms: list[str] = field(default_factory=list)
    # Named as the options of `holdfast backup`: excludes, one_file_system …
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedAssignment:
    policy: str | None = None
    paths: list[str] | None = None
    vms: list[str] | None = None
    options: dict[str, Any] | None = None
    is_paused: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyForPaths:
    body: dict[str, Any]
    paths: list[str] = field(default_factory=list)
    vms: list[str] = field(default_factory=list)


@router.get("/assignments")
def list_assignments(
    plane: ThePlane,
    person: Person,
    window: Paging,
    vault: str | None = None,
    machine: str | None = None,
    policy: str | None = None,
) -> Page[AssignmentView]:
    """With the next runs of each."""
    return assignments.list_assignments(
        plane, person, window, vault=vault, machine=machine, policy=policy
    )


@router.get("/assignments/{assignment_id}")
def show(plane: ThePlane, person: Person, assignment_id: str) -> AssignmentView:
    return assignments.show_assignment(plane, person, assignment_id)


@router.post("/machines/{machine_id}/assignments", status_code=201)
def attach(
    plane: ThePlane, person: Person, machine_id: str, wanted: NewAssignment
) -> AssignmentView:
    return assignments.attach(
        plane,
        person,
        machine_id,
        policy_id=wanted.policy,
        paths=wanted.paths,
        vms=wanted.vms,
        options=wanted.options,
    )


@router.post("/machines/{machine_id}/assignments/preview")
def preview_attached(
    plane: ThePlane, person: Person, machine_id: str, wanted: PolicyForPaths
) -> Preview:
    """Which points would go if such a policy held for these sources; nothing is changed."""
    return preview.preview_attached(
        plane, person, machine_id, paths=wanted.paths, vms=wanted.vms, body=wanted.body
    )


@router.patch("/assignments/{assignment_id}")
def change(
    plane: ThePlane, person: Person, assignment_id: str, wanted: ChangedAssignment
) -> AssignmentView:
    """Another policy, other sources or options, a pause, or an end of one."""
    change = Change(
        policy_id=wanted.policy,
        paths=wanted.paths,
        vms=wanted.vms,
        options=wanted.options,
        is_paused=wanted.is_paused,
    )
    return assignments.change_assignment(plane, person, assignment_id, change)


@router.delete("/assignments/{assignment_id}", status_code=204)
def detach(plane: ThePlane, person: Person, assignment_id: str) -> None:
    """Stop protection; the recovery points stay."""
    assignments.detach(plane, person, assignment_id)


@router.get("/agent/assignments", response_model=Assignments, responses={304: {}})
def told(
    plane: ThePlane,
    machine: Machine,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Assignments | Response:
    """All assignments of the machine that asks, with their policies written out."""
    found = assignments.told_assignments(plane, machine)
    headers = {"ETag": f'"{found.etag}"'}
    if if_none_match is not None and found.etag in tags_of(if_none_match):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return found


def tags_of(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}
