"""Approvals of dangerous acts by a second person."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from holdfast.app.control import approvals
from holdfast.app.control.approvals import ApprovalFacts
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(prefix="/approvals", tags=["approvals"])

_Text = Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalWanted:
    """`act`, `vault` and `request` as the problem `approval-needed` names them in its fields."""

    vault: _Text
    act: _Text
    request: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    approve: bool


@router.get("")
def list_approvals(
    plane: ThePlane,
    person: Person,
    window: Paging,
    *,
    waiting: Annotated[bool, Query(description="Only those nobody has decided.")] = False,
) -> Page[ApprovalFacts]:
    return approvals.list_approvals(plane, person, window, only_open=waiting)


@router.post("", status_code=HTTPStatus.CREATED)
def ask_approval(plane: ThePlane, person: Person, wanted: ApprovalWanted) -> ApprovalFacts:
    """Good for a day, for exactly this request of this person, once."""
    return approvals.ask_approval(
        plane, person, wanted.vault, act=wanted.act, request=wanted.request
    )


@router.get("/{approval_id}")
def show_approval(plane: ThePlane, person: Person, approval_id: str) -> ApprovalFacts:
    return approvals.show_approval(plane, person, approval_id)


@router.post("/{approval_id}/decision")
def decide_approval(
    plane: ThePlane, person: Person, approval_id: str, decision: Decision
) -> ApprovalFacts:
    """Not by whoever asked."""
    return approvals.decide_approval(plane, person, approval_id, approve=decision.approve)
