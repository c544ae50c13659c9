"""Who sends a request: a machine by its client certificate, a person by a token."""

from typing import Annotated

from fastapi import Depends, Request

from holdfast.app.control.errors import NotLoggedIn
from holdfast.app.control.identifying import machine_of, person_of
from holdfast.app.control.plane import Actor, Plane

# Where the protocol class puts the peer's certificate, as SHA-256 of its DER form in hex.
PEER = "holdfast.peer"


def plane_of(request: Request) -> Plane:
    plane = request.app.state.plane
    assert isinstance(plane, Plane)
    return plane


def _person(request: Request) -> Actor:
    plane = plane_of(request)
    scheme, _space, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise NotLoggedIn(reason="no token was sent", server=plane.address)
    return person_of(
        plane,
        secret,
        address=_address(request),
        pin=request.headers.get("holdfast-pin"),
        approval=request.headers.get("holdfast-approval"),
    )


def _machine(request: Request) -> Actor:
    plane = plane_of(request)
    fingerprint = request.scope.get("extensions", {}).get(PEER)
    if not fingerprint:
        raise NotLoggedIn(reason="no client certificate was shown", server=plane.address)
    return machine_of(plane, fingerprint, address=_address(request))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


ThePlane = Annotated[Plane, Depends(plane_of)]
Person = Annotated[Actor, Depends(_person)]
Machine = Annotated[Actor, Depends(_machine)]
