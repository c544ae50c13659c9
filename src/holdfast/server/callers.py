"""Who sends a request: a machine by its client certificate, a person by a token."""

from dataclasses import dataclass
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
        # What only reads or changes is the same the second time.
        key=request.headers.get("idempotency-key") if request.method == "POST" else None,
    )
    request.state.actor = actor
    if actor.pin is not None:
        count_attempt(plane, actor.id, actor.pin)
    return actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever showed a certificate; which machine that is, and whether it is good, is a question.

    For routes that ask it in the thread they work in: each way to a thread costs.
    """

    request: Request
    plane: Plane
    address: str
    fingerprint: str

    def machine(self) -> Actor:
        actor = machine_of(self.plane, self.fingerprint, address=self.address)
        self.request.state.actor = actor
        return actor


async def _visitor(request: Request, plane: ThePlane, address: Address) -> Visitor:
    fingerprint = request.scope.get("extensions", {}).get(PEER)
    if not fingerprint:
        raise NotLoggedIn(reason="no client certificate was shown", server=plane.address)
    return Visitor(request=request, plane=plane, address=address, fingerprint=fingerprint)


Shown = Annotated[Visitor, Depends(_visitor)]


def _machine(visitor: Shown) -> Actor:
    return visitor.machine()


Person = Annotated[Actor, Depends(_person)]
Machine = Annotated[Actor, Depends(_machine)]
