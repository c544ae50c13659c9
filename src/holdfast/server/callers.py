"""Who sends a request: a machine by its client certificate, a person by a token."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from holdfast.app.control.errors import NotLoggedIn
from holdfast.app.control.identifying import machine_of, person_of
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.stepping_up import count_attempt

# Where the protocol class puts the peer's certificate, as SHA-256 of its DER form in hex.
PEER = "holdfast.peer"
_bearer = HTTPBearer(auto_error=False, description="A token of a session, or of the API.")
_Sent = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


# These two only look; `async` spares them the way through the thread pool.
async def plane_of(request: Request) -> Plane:
    plane = request.app.state.plane
    assert isinstance(plane, Plane)
    return plane


async def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


ThePlane = Annotated[Plane, Depends(plane_of)]
Address = Annotated[str, Depends(address_of)]


async def _token(plane: ThePlane, sent: _Sent) -> str:
    if sent is None or not sent.credentials:
        raise NotLoggedIn(reason="no token was sent", server=plane.address)
    return sent.credentials


TheToken = Annotated[str, Depends(_token)]


def _person(request: Request, plane: ThePlane, token: TheToken, address: Address) -> Actor:
    actor = person_of(
        plane,
        token,
        address=address,
        pin=request.headers.get("holdfast-pin"),
        approval=request.headers.get("holdfast-approval"),
    )
    request.state.actor = actor
    if actor.pin is not None:
        count_attempt(plane, actor.id, actor.pin)
    return actor


def _machine(request: Request, plane: ThePlane, address: Address) -> Actor:
    fingerprint = request.scope.get("extensions", {}).get(PEER)
    if not fingerprint:
        raise NotLoggedIn(reason="no client certificate was shown", server=plane.address)
    actor = machine_of(plane, fingerprint, address=address)
    request.state.actor = actor
    return actor


Person = Annotated[Actor, Depends(_person)]
Machine = Annotated[Actor, Depends(_machine)]
