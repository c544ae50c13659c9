"""Leases of machines: to delete what retain or prune no longer needs, for a while."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from holdfast.app.control.leases import prolong_lease, release_lease, take_lease
from holdfast.fleet.messages import LeaseReply
from holdfast.server.callers import Machine, ThePlane

router = APIRouter(prefix="/agent/leases", tags=["agents"])

Seconds = Annotated[float, Field(gt=0, le=86_400)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseWanted:
    """`fleet.messages.LeaseRequest`, held to what can be asked for."""

    kind: Literal["retain", "prune", "tag", "passphrase", "repair"]
    seconds: Seconds
    # Who on the machine works under it: its agent, or a person at a command line.
    holder: Literal["agent", "person"] = "agent"
    has_no_other: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseProlonged:
    seconds: Seconds


@router.post("")
def take(plane: ThePlane, machine: Machine, wanted: LeaseWanted) -> LeaseReply:
    return take_lease(
        plane,
        machine,
        kind=wanted.kind,
        seconds=wanted.seconds,
        holder=wanted.holder,
        has_no_other=wanted.has_no_other,
    )


@router.post("/{lease_id}/prolong")
def prolong(plane: ThePlane, machine: Machine, lease_id: str, wanted: LeaseProlonged) -> LeaseReply:
    return prolong_lease(plane, machine, lease_id, seconds=wanted.seconds)


@router.delete("/{lease_id}", status_code=204)
def release(plane: ThePlane, machine: Machine, lease_id: str) -> None:
    release_lease(plane, machine, lease_id)
