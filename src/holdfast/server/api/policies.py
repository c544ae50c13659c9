"""Policies of vaults, and what a change of one would do."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from holdfast.app.control import policies, preview, retention_trial
from holdfast.app.control.policies import PolicyView
from holdfast.app.control.preview import Preview
from holdfast.app.control.retention_trial import RetentionTrial
from holdfast.fleet.policies import policy_body, propose
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["policies"])

# Read strictly by us, so that an unknown name is refused and not passed over.
PolicyBody = Annotated[
    dict[str, Any],
    Body(description="A policy, as the proposal shows it.", examples=[policy_body(propose())]),
]


@router.get("/vaults/{vault}/policies")
def list_policies(plane: ThePlane, person: Person, vault: str, window: Paging) -> Page[PolicyView]:
    return policies.list_policies(plane, person, vault, window)


@router.get("/vaults/{vault}/policies/proposal")
def proposal(plane: ThePlane, person: Person, vault: str, zone: str = "UTC") -> dict[str, Any]:
    """A policy to begin with; nothing is made of it yet."""
    return policies.proposal(plane, person, vault, zone=zone)


@router.post("/vaults/{vault}/policies/trial")
def try_policy(plane: ThePlane, person: Person, vault: str, body: PolicyBody) -> RetentionTrial:
    """What such a policy would keep, had it run all the time; nothing is changed."""
    return retention_trial.try_policy(plane, person, vault, body)


@router.post("/vaults/{vault}/policies", status_code=201)
def create(plane: ThePlane, person: Person, vault: str, body: PolicyBody) -> PolicyView:
    return policies.create_policy(plane, person, vault, body)


@router.get("/policies/{policy_id}")
def show(plane: ThePlane, person: Person, policy_id: str) -> PolicyView:
    return policies.show_policy(plane, person, policy_id)


@router.put("/policies/{policy_id}")
def change(plane: ThePlane, person: Person, policy_id: str, body: PolicyBody) -> PolicyView:
    """The whole policy anew. Shorter retention needs the security PIN."""
    return policies.change_policy(plane, person, policy_id, body)


@router.delete("/policies/{policy_id}", status_code=204)
def delete(plane: ThePlane, person: Person, policy_id: str) -> None:
    policies.delete_policy(plane, person, policy_id)


@router.post("/policies/{policy_id}/preview")
def preview_change(plane: ThePlane, person: Person, policy_id: str, body: PolicyBody) -> Preview:
    """Which points would go with this body; nothing is changed."""
    return preview.preview_change(plane, person, policy_id, body)
